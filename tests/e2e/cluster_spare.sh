#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node loses power. A spare one takes its place, without a new job.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe "  spares: 1"
reference=$(undisturbed)
start_cluster
submit_held

cluster kill-node 2
let_go 20

await "completion" completed
await "the event" has_event completed
check "no node-lost of n2: $(cat "$run/events.jsonl")" grep -q '"event":"node-lost".*"nodes":\["n2"\]' "$run/events.jsonl"
check "noticed after $(noticed_after) s, when Slurm itself knows (SlurmdTimeout)" at_most "$(noticed_after)" 10
check "it has not gone on from step 10: $(cat "$run/events.jsonl")" restored_at 10
check "the spare was not used" has_event spare-used
check "it shrank" test "$(event_count shrunk)" = 0
check "the second attempt is not on n1,n3" grep -q '"event":"started","attempt":2,"ranks":2,"hosts":"n1,n3"' "$run/events.jsonl"
check "n2 is not blamed" grep -q '"blamed": "n2"' "$run/attempts/0001/attempt.json"
expect_the_undisturbed_result
echo "noticed after $(noticed_after) s, started again $(seconds_between rank-lost relaunched) s later"
