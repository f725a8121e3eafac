#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The slurmstepd of one node dies under its rank. srun would hang for ever and leave the rank behind; the run goes on.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
submit_held
rank=$(pid_on n2)
stepd=$(cluster run -- ps -o ppid= -p "$rank" | tr -d ' ')
check "the parent of the rank on n2 is no slurmstepd" bash -c 'grep -q slurmstepd <<<"$1"' bash "$(cluster run -- ps -o comm= -p "$stepd")"

cluster run -- kill -KILL "$stepd"
# A zombie is gone too: its new parent is slurmd, which does not wait for a child of its dead child.
rank_gone() { [[ $(cluster run -- ps -o stat= -p "$rank") == @(|Z*) ]]; }
await "the end of the rank whose parent is gone" rank_gone
let_go 20

await "completion" completed
await "the event" has_event completed
check "nothing was noticed: $(cat "$run/events.jsonl")" has_event rank-lost
check "it was started $(event_count started) times" test "$(event_count started)" = 2
check "it has not gone on from step 10: $(cat "$run/events.jsonl")" restored_at 10
check "it was requeued" test "$(event_count requeued)" = 0
expect_the_undisturbed_result
echo "noticed after $(noticed_after) s"
