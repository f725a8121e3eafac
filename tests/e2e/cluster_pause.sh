#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `pause` frees the nodes within 10 s, `resume` goes on to the same result.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
submit
within 60 "step 20" stepped 1 20

begin=$SECONDS
cluster run -- "$program" pause "$run" </dev/null
took=$((SECONDS - begin))
check "pause took $took s" test "$took" -le 10
queue_empty() { [[ -z $(cluster run -- squeue --noheader) ]]; }
within 10 "the queue empty" queue_empty
check "the run is not listed as paused" bash -c '"$1" status "$2" | grep -q paused' bash "$program" "$run"
check "it ended as completed" test ! -e "$run/completed.json"
within 5 "workers gone" no_worker_left

cluster run -- "$program" resume "$run" </dev/null
status=0; cluster run -- "$program" resume "$run" </dev/null 2>"$work/second" || status=$?
check "a second resume ended with $status: $(cat "$work/second")" test "$status" = 64
within 60 "completion" completed
within 10 "the event" has_event completed
expect_the_undisturbed_result
status=0; cluster run -- "$program" resume "$run" </dev/null 2>"$work/third" || status=$?
check "resuming a completed run ended with $status" test "$status" = 64
