#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The slurmstepd of one node dies under its rank. srun would hang for ever and leave the rank behind; the run goes on.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
submit
within 60 "step 20" stepped 1 20
rank=$(pid_on n2)
stepd=$(cluster run -- ps -o ppid= -p "$rank" | tr -d ' ')
check "the parent of the rank on n2 is no slurmstepd" bash -c 'grep -q slurmstepd <<<"$1"' bash "$(cluster run -- ps -o comm= -p "$stepd")"

cluster run -- kill -KILL "$stepd"

within 60 "completion" completed
within 10 "the event" has_event completed
check "nothing was noticed: $(cat "$run/events.jsonl")" has_event rank-lost
check "noticed after $(noticed_after) s" at_most "$(noticed_after)" 5
check "it was started $(event_count started) times" test "$(event_count started)" = 2
check "it was requeued" test "$(event_count requeued)" = 0
expect_the_undisturbed_result
echo "noticed after $(noticed_after) s"
