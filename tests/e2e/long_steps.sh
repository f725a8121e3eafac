#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run whose steps are long is killed at random moments, all of it at once, and resumed: what it had written two seconds before is there,
# though no step has ended since. A pause waits for the end of the step; `pause --now` does not.
#   long_steps.sh BUILD_FOLDER [KILLS] [SEED] [STEP_SECONDS]          20 kills with steps of 20 s take about 15 minutes
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" long_steps
kills=${2:-1} RANDOM=${3:-1} step_s=${4:-10}
ranks=2

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 24 >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: tiny
model: { path: $work/model }
adapter: { r: 4, alpha: 8, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], max_length: 128, packing: false }
train: { epochs: 100000, max_steps: 1000, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
checkpoint: { every_steps: 1, keep: 3 }
RECIPE
echo "$step_s" >"$PEFT_STUDIO_TEST_HOLD/slow"

newest_step() { "$program" checkpoint list "$run" --json | sed -nE 's/^ *"step": ([0-9]+),$/\1/p' | sort -n | tail -n 1; }
# Of a step that is done but for its length.
recorded_step() { { cat "$run"/attempts/*/nodes/*.jsonl 2>/dev/null || true; } | sed -nE 's/.*"kind":"step","step":([0-9]+),.*/\1/p' | sort -n | tail -n 1; }
has_recorded() { local step; step=$(recorded_step); ((${step:-0} >= $1)); }
nobody_left() { ! pgrep -f "peft-studio-worker.*$run" >/dev/null; }
restored() { (($(grep -c '"event":"restored"' "$run/events.jsonl") >= $1)); }
go_on() {
  "$program" resume "$run" --ranks "$ranks" >"$work/resumed.out" 2>&1 </dev/null &
  background=$!
}

"$program" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/runs" >"$work/train.out" 2>&1 </dev/null &
background=$!
appeared() { [[ -d $(echo "$work"/runs/tiny-*) ]]; }
await "a run" appeared
run=$(echo "$work"/runs/tiny-*)

lost=0 worst=0
for ((i = 1; i <= kills; i++)); do
  next=$(($(recorded_step || true) + 2))
  await "step $next" has_recorded "$next"
  sleep "$((RANDOM % step_s)).$((RANDOM % 10))"
  step=$(recorded_step) age_s=$(($(date +%s) - $(stat -c %Y "$run"/attempts/*/nodes/*.jsonl | sort -n | tail -n 1)))
  kill -KILL "$background" $(pgrep -f "peft-studio-worker train --run $run ") 2>/dev/null || true
  wait "$background" 2>/dev/null || true
  background=
  await "the end of the killed ranks" nobody_left
  newest=$(newest_step)
  # The step before was saved when this one began, at the latest; within the first two seconds that may be under way.
  allowed=1
  ((age_s > 2)) || allowed=2
  beyond=$((step - newest))
  ((beyond <= worst)) || worst=$beyond
  lost=$((lost + beyond))
  ((beyond <= allowed)) || die "killed $age_s s after step $step was recorded: the newest checkpoint is of step $newest"
  go_on
  await "a start from step $newest" restored "$i"
done
echo "$kills kills in steps of $step_s s: $lost recorded steps repeated, at most $worst at a time"

# In the middle of a step that is longer than what a pause used to wait.
next=$(($(recorded_step) + 2))
await "step $next" has_recorded "$next"
said=$("$program" pause "$run")
wait "$background" || true
background=
grep -q 'ends once the step at work is done and saved' <<<"$said" || die "it does not say what it waits for: $said"
grep -q '^paused; ' <<<"$said" || die "has not paused: $said"
[[ $(newest_step) == "$(recorded_step)" ]] || die "paused after step $(recorded_step), and the newest checkpoint is of step $(newest_step)"

go_on
next=$(($(recorded_step) + 2))
await "step $next" has_recorded "$next"
began=$SECONDS
"$program" pause --now "$run" >/dev/null
took=$((SECONDS - began))
wait "$background" || true
background=
((took <= 12)) || die "pause --now has taken $took s"
(($(newest_step) >= $(recorded_step) - 1)) || die "paused now, and more than the step at work is lost"
