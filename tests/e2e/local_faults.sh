#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Without Slurm: a rank that is killed, crashes or is stopped is noticed and the workers are started again; a run that is paused is
# resumed; a killed supervisor leaves no process behind. The result has the bits of the undisturbed run each time.
#   local_faults.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" faults
logs='*.out */tiny-*/events.jsonl'

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 24 >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: tiny
model: { path: $work/model }
adapter: { r: 4, alpha: 8, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.2, max_length: 128, packing: false }
train: { epochs: 100000, max_steps: 60, micro_batch_size: 1, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: null }
checkpoint: { every_steps: 10 }
RECIPE

# start NAME RANKS: a training in the background, held after step 20; sets background and run.
start() {
  hold 20
  "$program" train "$work/recipe.yaml" --ranks "$2" --set "output_dir=$work/$1" >"$work/$1.out" 2>&1 </dev/null &
  background=$!
  await_held 20
  run=$(echo "$work/$1"/tiny-*)
}
workers() { pgrep -f "peft-studio-worker train --run $run " || true; }
no_worker() { [[ -z $(workers) ]]; }
expect_result() {
  local status=0
  wait "$background" || status=$?
  background=
  ((status == 0)) || die "$1 ended with $status"
  [[ $(digest_of "$run") == "$reference" ]] || die "$1: another adapter than the undisturbed run's"
  grep -qE "\"event\":\"restored\".*\"step\":$2\b" "$run/events.jsonl" || die "$1 has not gone on from step $2: $(cat "$run/events.jsonl")"
}

"$program" train "$work/recipe.yaml" --set "output_dir=$work/alone" >"$work/alone.out" 2>&1 </dev/null
reference=$(digest_of "$(echo "$work"/alone/tiny-*)")

start killed 2
[[ -S $run/heartbeat/socket && $(stat -c %a "$run/heartbeat") == 700 ]] || die "the ranks' socket is not private: $(ls -la "$run" "$run/heartbeat")"
kill -KILL "$(workers | tail -n 1)"
let_go 20
expect_result "a killed rank" 10
grep -q '"event":"relaunched"' "$run/events.jsonl" || die "no event tells of the relaunch"
[[ ! -e $run/heartbeat ]] || die "the socket is still there"

start crashed 2
kill -SEGV "$(workers | tail -n 1)"
let_go 20
expect_result "a crashed rank" 10
grep -q '"event":"attempt-ended".*a rank crashed: SIGSEGV, in the main thread (its stack is in rank' "$run/events.jsonl" || die "no event tells of the crash"
grep -hA3 'crash: SIGSEGV' "$run"/attempts/0001/*.log | grep -q peft-studio-worker || die "no stack in the log"

start stopped 1
kill -STOP "$(workers)"
let_go 20
expect_result "a stopped rank" 10
grep -q '"event":"rank-lost".*has not been heard' "$run/events.jsonl" || die "no event tells of the silence"

start paused 1
"$program" pause "$run" >/dev/null
let_go 20
await "workers gone" no_worker
status=0; wait "$background" || status=$?
((status == 76)) || die "the paused training ended with $status, not 76"
"$program" resume "$run" >"$work/resumed.out" 2>&1 </dev/null &
background=$!
expect_result "a resumed run" 20

start orphaned 2
kill -KILL "$background"
wait "$background" 2>/dev/null || true
await "workers gone after their supervisor" no_worker
let_go 20
"$program" resume "$run" >"$work/resumed2.out" 2>&1 </dev/null &
background=$!
expect_result "a run whose supervisor was killed" '[12]0'
