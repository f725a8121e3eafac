#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A job of the urgent partition takes the nodes. The run saves itself within the grace time, waits in the queue, and goes on to the
# same result.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
submit
within 60 "step 60" stepped 1 60

cluster run -- sbatch --quiet --partition=urgent --nodes=4 --output=/dev/null --wrap 'sleep 3' </dev/null
within 40 "the requeue" has_event requeued
last=$(sed -nE 's/.*"event":"attempt-ended","attempt":1,.*"step":([0-9]+).*/\1/p' "$run/events.jsonl")
within 90 "completion" completed
within 10 "the event" has_event completed
check "preemption is not the reason: $(grep requeued "$run/events.jsonl")" grep -qi '"event":"requeued".*preempt' "$run/events.jsonl"
restored=$(sed -nE 's/.*"event":"restored".*"step":([0-9]+).*/\1/p' "$run/events.jsonl" | tail -n 1)
check "it lost steps: ended at $last, restored at $restored" test "${restored:-0}" -ge "${last:-1}"
expect_the_undisturbed_result
echo "preempted at step $last, restored at step $restored"
