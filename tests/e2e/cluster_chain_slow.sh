#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A chain over three jobs of two minutes each, ended by Slurm's own time limit: nobody sends a signal here.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
start_cluster
steps=300 tiny_recipe
sed -i 's/time: 00:05:00/time: 00:02:00/' "$work/recipe.yaml"
submit
within 100 "completion of the run that measures the speed" completed
# A two-minute job is warned 40 to 100 s before its end (Slurm looks once a minute), so it trains for 20 to 80 s: 200 s are three
# jobs at least, and ten at most.
seconds=$(sed -nE 's/.*"seconds": *([0-9.]+).*/\1/p' "$run/completed.json")
steps=$(awk -v s="$seconds" 'BEGIN { printf "%d", 300 / s * 200 }')
echo "300 steps took $seconds s; a run of $steps steps"
within 30 "the job gone" bash -c '[[ -z $(bash tools/local-cluster --dir "$1" run -- squeue --noheader) ]]' bash "$state"
rm -rf "$work/runs"
sed -i "s/max_steps: [0-9]*/max_steps: $steps/" "$work/recipe.yaml"
cluster run -- "$program" submit "$work/recipe.yaml" --jobs 12 </dev/null
run=$(the_run)
within 700 "completion" completed
within 10 "the event" has_event completed
sed -nE 's/^\{"t":"([^"]*)","event":"(submitted|started|requeued|job-changed|completed)".*/\1 \2/p' "$run/events.jsonl"
check "it took $(event_count started) jobs, not three or more" test "$(event_count started)" -ge 3
check "Slurm's time limit is not what ended them" grep -q '"event":"requeued".*time limit' "$run/events.jsonl"
within 60 "the rest of the chain gone" bash -c '[[ -z $(bash tools/local-cluster --dir "$1" run -- squeue --noheader) ]]' bash "$state"
reference=$(undisturbed)
expect_the_undisturbed_result
