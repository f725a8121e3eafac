#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A paused run takes the jobs behind it out of the queue: none starts in its place. It is resumed as a chain again.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held --jobs 2
cluster run -- "$program" pause "$run" </dev/null
let_go 20
await "the queue empty" queue_empty
check "it is not paused" bash -c '"$1" status "$2" | grep -q paused' bash "$program" "$run"
check "another job was started in its place" test "$(event_count started)" = 1
cluster run -- "$program" resume "$run" --jobs 2 </dev/null
await "completion" completed
await "the queue empty" queue_empty
check "it lost steps: $(cat "$run/events.jsonl")" restored_at 20
expect_the_undisturbed_result
