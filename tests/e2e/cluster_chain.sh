#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A chain of jobs: each one that is warned of its time limit hands the run on to the next, with the bits of one undisturbed job;
# surplus jobs burn through.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
steps=600 tiny_recipe
reference=$(undisturbed)
start_cluster
cluster run -- "$program" submit "$work/recipe.yaml" --jobs 4 </dev/null
run=$(the_run)
mapfile -t jobs < <(sed -nE 's/.*"chain":\[([^]]*)\].*/\1/p' "$run/events.jsonl" | tr -d '"' | tr ',' '\n')
check "a chain of ${#jobs[@]}, not 4" test "${#jobs[@]}" = 4
for turn in 1 2; do
  within 60 "step $((turn * 60)) in job $turn" stepped "$turn" $((turn * 60))
  cluster run -- scancel --batch --signal=USR2 "${jobs[turn - 1]}"
done
within 60 "completion" completed
within 10 "the event" has_event completed
check "it changed its job $(event_count job-changed) times, not twice" test "$(event_count job-changed)" = 2
check "it was started $(event_count started) times, not 3" test "$(event_count started)" = 3
queue_empty() { [[ -z $(cluster run -- squeue --noheader) ]]; }
within 30 "the queue empty" queue_empty
burnt=$(grep "JobId=${jobs[3]} " "$state/jobcomp.log")
check "the fourth job did not end as completed: $burnt" grep -q 'JobState=COMPLETED' <<<"$burnt"
took=$(($(date -d "$(sed -nE 's/.*EndTime=([^ ]*).*/\1/p' <<<"$burnt")" +%s) - $(date -d "$(sed -nE 's/.*StartTime=([^ ]*).*/\1/p' <<<"$burnt")" +%s)))
check "the fourth job took $took s" test "$took" -le 5
check "status does not name its jobs" bash -c 'grep -q "\"${2}\"" <<<"$1"' bash "$("$program" status --json "$run")" "${jobs[3]}"
expect_the_undisturbed_result
