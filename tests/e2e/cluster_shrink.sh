#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node loses power and there is no spare: the run goes on with half of the nodes. The result has the same bits.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held

cluster kill-node 2
let_go 20

await "completion" completed
await "the event" has_event completed
check "it has not shrunk: $(cat "$run/events.jsonl")" has_event shrunk
check "the second attempt is not on n1 alone" grep -q '"event":"started","attempt":2,"ranks":1,"hosts":"n1"' "$run/events.jsonl"
check "it has not gone on from step 10: $(cat "$run/events.jsonl")" restored_at 10
check "it was requeued" test "$(event_count requeued)" = 0
expect_the_undisturbed_result
