#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGKILL at random moments, from a seed, of a single process that saves after each step: while it starts, restores,
# trains, writes, commits, removes older checkpoints, ends. Each time every checkpoint there is has to be whole, and at
# most one completed step may lie beyond the newest; each run ends with the bits of the undisturbed one.
#   kill_moments.sh BUILD_FOLDER [KILLS] [SEED]          500 kills take about ten minutes
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" kills
kills=${2:-500} seed=${3:-1}
RANDOM=$seed

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 24 >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: tiny
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.2, max_length: 128, packing: false }
train: { epochs: 100000, max_steps: 300, micro_batch_size: 1, global_batch_size: 2, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: 50 }
checkpoint: { every_steps: 1, keep: 2 }
RECIPE

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
newest_step() { "$program" checkpoint list "$1" --json | sed -nE 's/^ *"step": ([0-9]+),$/\1/p' | tail -n 1; }
recorded_step() { { cat "$1"/attempts/*/nodes/*.jsonl 2>/dev/null || true; } | sed -nE 's/.*"kind":"step","step":([0-9]+),.*/\1/p' | sort -n | tail -n 1; }

"$program" train "$work/recipe.yaml" --set "output_dir=$work/alone" >"$work/alone.out" 2>&1 </dev/null ||
  die "the undisturbed run has failed: $(tail -n 3 "$work/alone.out")"
alone=$(echo "$work"/alone/tiny-*)
reference=$(digest_of "$alone")
name=$(basename "$alone")

# new_run: as it is before its first attempt; sets run.
runs=0
new_run() {
  runs=$((runs + 1)) attempt=0
  run=$work/run-$runs/$name
  mkdir -p "$run"
  cp "$alone"/{run.json,recipe.yaml} "$run/"
}
# start: the worker by itself, without a supervisor that would start it again.
start() {
  attempt=$((attempt + 1))
  mkdir -p "$run/attempts/$(printf %04d $attempt)/nodes"
  "$build/bin/peft-studio-worker" train --run "$run" --attempt $attempt >"$work/worker.out" 2>&1 </dev/null &
  background=$!
}

# How long it takes to the first step, so that the moments lie in all that a worker does.
new_run
began=$(now_ms)
start
until [[ -n $(recorded_step "$run") ]]; do kill -0 "$background" || die "the worker has ended: $(<"$work/worker.out")"; sleep 0.01; done
starting_ms=$(($(now_ms) - began))
kill -KILL "$background"
wait "$background" 2>/dev/null || true

done_kills=0 while_starting=0 worst=0 checks=0
while ((done_kills < kills)); do
  before=$(recorded_step "$run")
  start
  delay_ms=$((starting_ms / 4 + (RANDOM * 32768 + RANDOM) % (starting_ms * 3 / 4 + 600)))
  sleep "$(printf '%d.%03d' $((delay_ms / 1000)) $((delay_ms % 1000)))"
  if kill -KILL "$background" 2>/dev/null; then ended_by_itself=false; else ended_by_itself=true; fi
  status=0
  wait "$background" 2>/dev/null || status=$?
  background=
  if ! $ended_by_itself && ((status == 137)); then
    done_kills=$((done_kills + 1))
    recorded=$(recorded_step "$run")
    [[ $recorded != "$before" ]] || while_starting=$((while_starting + 1))
    newest=$(newest_step "$run")
    if [[ -n $newest ]]; then
      "$program" checkpoint verify "$run" >"$work/verify.out" 2>&1 || die "kill $done_kills: $(<"$work/verify.out")"
      checks=$((checks + 1))
    fi
    beyond=$((${recorded:-0} - ${newest:-0}))
    ((beyond <= worst)) || worst=$beyond
    ((beyond <= 1)) || die "kill $done_kills, seed $seed: step $recorded was completed, the newest checkpoint is of step ${newest:-0}"
  elif ((status != 0)); then
    die "attempt $attempt ended with $status: $(tail -n 5 "$work/worker.out")"
  fi
  if [[ -s $run/completed.json ]]; then
    [[ $(digest_of "$run") == "$reference" ]] || die "run $runs ended with another adapter than the undisturbed one"
    rm -rf "${run%/*}"
    new_run
  fi
done
# The last run to its end.
start
wait "$background" || die "the last attempt failed: $(tail -n 5 "$work/worker.out")"
background=
[[ $(digest_of "$run") == "$reference" ]] || die "the last run ended with another adapter than the undisturbed one"
echo "$done_kills kills, seed $seed, $while_starting of them before a step further: all $checks times every checkpoint was whole," \
  "at most $worst step beyond the newest; $runs runs ended, with the undisturbed one's bits"
