#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A chain over three jobs of two minutes each, ended by Slurm's own time limit: nobody sends a signal here.
source "$(dirname -- "${BASH_SOURCE[0]}")/recovery_lib.sh" "$1"
recoverable_recipe
sed -i 's/time: 00:30:00/time: 00:02:00/' "$work/recipe.yaml"
reference=$(undisturbed)
start_cluster
hold 40
submit_held --jobs 4
ended() { (($(event_count attempt-ended) == $1)); }
for turn in 1 2; do
  await_held $((turn * 20))
  await "Slurm's end of job $turn" ended "$turn"
  let_go $((turn * 20))
done
await "completion" completed
await "the event" has_event completed
check "it was started $(event_count started) times, not 3" test "$(event_count started)" = 3
check "Slurm's time limit is not what ended them" test "$(grep -c '"event":"requeued".*time limit' "$run/events.jsonl")" = 2
check "a job lost steps: $(cat "$run/events.jsonl")" restored_at 20 40
await "the rest of the chain gone" queue_empty
expect_the_undisturbed_result
