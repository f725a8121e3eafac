#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `pause` saves where the run is and frees the nodes, `resume` goes on from there to the same result.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held

begin=$SECONDS
cluster run -- "$program" pause "$run" </dev/null
took=$((SECONDS - begin))
let_go 20
await "the queue empty" queue_empty
check "the run is not listed as paused" bash -c '"$1" status "$2" | grep -q paused' bash "$program" "$run"
check "it ended as completed" test ! -e "$run/completed.json"
await "workers gone" no_worker_left

hold 40
cluster run -- "$program" resume "$run" </dev/null
await_held 40
check "it was ended by force and lost what it had not saved: $(cat "$run/events.jsonl")" restored_at 20
status=0; cluster run -- "$program" resume "$run" </dev/null 2>"$work/second" || status=$?
check "a second resume ended with $status: $(cat "$work/second")" test "$status" = 64
let_go 40
await "completion" completed
await "the event" has_event completed
expect_the_undisturbed_result
status=0; cluster run -- "$program" resume "$run" </dev/null 2>"$work/third" || status=$?
check "resuming a completed run ended with $status" test "$status" = 64
echo "paused after $took s"
