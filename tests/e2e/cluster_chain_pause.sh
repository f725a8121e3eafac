#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A paused run takes the jobs behind it out of the queue: none starts in its place. It is resumed as a chain again.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
cluster run -- "$program" submit "$work/recipe.yaml" --jobs 2 </dev/null
run=$(the_run)
within 60 "step 20" stepped 1 20
cluster run -- "$program" pause "$run" </dev/null
queue_empty() { [[ -z $(cluster run -- squeue --noheader) ]]; }
within 10 "the queue empty" queue_empty
check "it is not paused" bash -c '"$1" status "$2" | grep -q paused' bash "$program" "$run"
cluster run -- "$program" resume "$run" --jobs 2 </dev/null
within 60 "completion" completed
within 20 "the queue empty" queue_empty
expect_the_undisturbed_result
