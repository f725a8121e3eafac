#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The time limit comes near (Slurm's own warning, nobody helps): the run saves itself, is requeued as the same job, and ends with
# the same bits.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
start_cluster
steps=300 tiny_recipe
submit
within 100 "completion of the run that measures the speed" completed
seconds=$(sed -nE 's/.*"seconds": *([0-9.]+).*/\1/p' "$run/completed.json")
clear_away() {
  within 30 "the job gone" bash -c '[[ -z $(bash tools/local-cluster --dir "$1" run -- squeue --noheader) ]]' bash "$state"
  rm -rf "$work/runs"
}
clear_away
# A two-minute job is warned 40 to 100 s before its end (Slurm looks once a minute), so it trains for 20 to 80 s. A machine that
# is faster now than it was when measured completes the run before: it is given twice as much then.
steps=$(awk -v s="$seconds" 'BEGIN { printf "%d", 300 / s * 100 }')
requeued_or_completed() { has_event requeued || has_event completed; }
for ((tries = 3; ; tries--)); do
  sed -i "s/max_steps: [0-9]*/max_steps: $steps/; s/time: 00:05:00/time: 00:02:00/" "$work/recipe.yaml"
  submit
  within 130 "the requeue" requeued_or_completed
  ! has_event requeued || break
  ((tries > 1)) || die "$steps steps are done before Slurm's warning, three times over"
  echo "$steps steps were done before Slurm's warning; once more with twice as many"
  steps=$((steps * 2))
  clear_away
done
check "the time limit is not the reason: $(grep requeued "$run/events.jsonl")" grep -q '"event":"requeued".*time limit' "$run/events.jsonl"
within 400 "completion" completed
within 10 "the event" has_event completed
check "it has more than one job" test "$(event_count submitted)" = 1
reference=$(undisturbed)
expect_the_undisturbed_result
echo "requeued $(event_count requeued) times"
