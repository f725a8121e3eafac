#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A chain of jobs: each one that is warned of its time limit hands the run on to the next, with the bits of one undisturbed job;
# surplus jobs burn through. The warning is the one that Slurm sends (cluster_chain_slow waits for Slurm's own).
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
reference=$(undisturbed)
start_cluster
hold 40
submit_held --jobs 4
mapfile -t jobs < <(sed -nE 's/.*"chain":\[([^]]*)\].*/\1/p' "$run/events.jsonl" | tr -d '"' | tr ',' '\n')
check "a chain of ${#jobs[@]}, not 4" test "${#jobs[@]}" = 4
ended() { (($(event_count attempt-ended) == $1)); }
for turn in 1 2; do
  await_held $((turn * 20))
  cluster run -- scancel --batch --signal=USR2 "${jobs[turn - 1]}"
  await "the end of job $turn" ended "$turn"
  let_go $((turn * 20))
done
await "completion" completed
await "the event" has_event completed
check "it changed its job $(event_count job-changed) times, not twice" test "$(event_count job-changed)" = 2
check "it was started $(event_count started) times, not 3" test "$(event_count started)" = 3
check "a job lost steps: $(cat "$run/events.jsonl")" restored_at 20 40
await "the queue empty" queue_empty
burnt=$(grep "JobId=${jobs[3]} " "$state/jobcomp.log")
check "the fourth job did not end as completed: $burnt" grep -q 'JobState=COMPLETED' <<<"$burnt"
check "the fourth job started workers" test "$(event_count started)" = 3
check "status does not name its jobs" bash -c 'grep -q "\"${2}\"" <<<"$1"' bash "$("$program" status --json "$run")" "${jobs[3]}"
expect_the_undisturbed_result
