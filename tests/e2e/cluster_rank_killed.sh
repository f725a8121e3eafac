#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL for one of two ranks: noticed by the end of its connection, the workers started again inside the job, the same bits.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held

cluster run -- kill -KILL "$(pid_on n2)"
let_go 20

await "completion" completed
await "the event" has_event completed
check "no rank-lost of n2: $(cat "$run/events.jsonl")" grep -q '"event":"rank-lost".*"hosts":\["n2"\]' "$run/events.jsonl"
check "it was missed only when it had been silent for long: $(cat "$run/events.jsonl")" bash -c '! grep -q "has not been heard" "$1"' bash "$run/events.jsonl"
check "it has not gone on from step 10: $(cat "$run/events.jsonl")" restored_at 10
check "it was started $(event_count started) times" test "$(event_count started)" = 2
check "it was requeued" test "$(event_count requeued)" = 0
expect_the_undisturbed_result
echo "noticed after $(noticed_after) s, started again $(seconds_between rank-lost relaunched) s later"
