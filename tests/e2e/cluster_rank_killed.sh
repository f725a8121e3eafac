#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL for one of two ranks: noticed within 2 s, the workers started again inside the job, the same bits.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
submit
within 60 "step 20" stepped 1 20

cluster run -- kill -KILL "$(pid_on n2)"

within 60 "completion" completed
within 10 "the event" has_event completed
check "no rank-lost of n2: $(cat "$run/events.jsonl")" grep -q '"event":"rank-lost".*"hosts":\["n2"\]' "$run/events.jsonl"
check "noticed after $(noticed_after) s" at_most "$(noticed_after)" 2
check "relaunched after $(seconds_between rank-lost relaunched) s more" at_most "$(seconds_between rank-lost relaunched)" 5
check "it was started $(event_count started) times" test "$(event_count started)" = 2
check "it was requeued" test "$(event_count requeued)" = 0
expect_the_undisturbed_result
echo "noticed after $(noticed_after) s"
