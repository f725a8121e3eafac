#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A job of the urgent partition takes the nodes. The run saves itself within the grace time, waits in the queue, and goes on to the
# same result.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held

cluster run -- sbatch --quiet --partition=urgent --nodes=4 --output=/dev/null --wrap 'sleep 3' </dev/null
await "the requeue" has_event requeued
let_go 20
await "completion" completed
await "the event" has_event completed
check "preemption is not the reason: $(grep requeued "$run/events.jsonl")" grep -qi '"event":"requeued".*preempt' "$run/events.jsonl"
check "it lost steps: $(cat "$run/events.jsonl")" restored_at 20
expect_the_undisturbed_result
