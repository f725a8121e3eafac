#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node loses power. A spare one takes its place, without a new job.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe "  spares: 1"
reference=$(undisturbed)
start_cluster
submit
within 60 "step 20" stepped 1 20

cluster kill-node 2

within 60 "completion" completed
within 10 "the event" has_event completed
check "no node-lost of n2: $(cat "$run/events.jsonl")" grep -q '"event":"node-lost".*"nodes":\["n2"\]' "$run/events.jsonl"
check "noticed after $(noticed_after) s" at_most "$(noticed_after)" 5
check "relaunched after $(seconds_between rank-lost relaunched) s more" at_most "$(seconds_between rank-lost relaunched)" 12
check "the spare was not used" has_event spare-used
check "it shrank" test "$(event_count shrunk)" = 0
check "the second attempt is not on n1,n3" grep -q '"event":"started","attempt":2,"ranks":2,"hosts":"n1,n3"' "$run/events.jsonl"
check "n2 is not blamed" grep -q '"blamed": "n2"' "$run/attempts/0001/attempt.json"
expect_the_undisturbed_result
echo "noticed after $(noticed_after) s, started again $(seconds_between rank-lost relaunched) s later"
