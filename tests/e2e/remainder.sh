#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# data.remainder: 55 rows in steps of 8 trained two times over. `step` makes the last step of an epoch smaller, `carry` hands its rows to
# the next epoch, `drop` leaves them out; a run that was killed ends with the bits of the undisturbed one. And a sweep that was killed goes
# on though its prepared data were removed.
#   remainder.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" remainder
logs='*.out */rest-*/events.jsonl'

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 55 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: rest
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0, max_length: 128, packing: false }
train: { epochs: 2, micro_batch_size: 2, global_batch_size: 8, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: null }
checkpoint: { every_steps: 1 }
RECIPE

# train NAME [--set ...]: to its end; sets run.
train() {
  local name=$1
  shift
  "$program" train "$work/recipe.yaml" --set "output_dir=$work/$name" "$@" >"$work/$name.out" 2>&1 </dev/null || die "$name has failed"
  run=$(echo "$work/$name"/rest-*)
}
# of RUN KEY: of every step, as the ranks' file has it.
of() { grep -h '"kind":"step"' "$1"/attempts/*/nodes/*.jsonl | grep -oE "\"$2\":[0-9]+" | cut -d: -f2 | xargs; }
sum() { local total=0 n; for n in $1; do total=$((total + n)); done; echo "$total"; }
expect() { [[ $2 == "$3" ]] || die "$1: '$2', not '$3'"; }
said_before() { "$program" validate "$work/recipe.yaml" --set "data.remainder=$1" | grep -q "$2" || die "validate does not say '$2'"; }

train step
expect "step: rows" "$(of "$run" rows)" "8 8 8 8 8 8 7 8 8 8 8 8 8 7"
tokens=$(sum "$(of "$run" tokens)")
stepped=$(digest_of "$run")
said_before step "the last step of an epoch has 7 rows instead of 8"

train drop --set data.remainder=drop
expect "drop: rows" "$(of "$run" rows)" "8 8 8 8 8 8 8 8 8 8 8 8"
dropped=$(digest_of "$run")
said_before drop "the last 7 rows of each epoch are left out"

train carry --set data.remainder=carry
expect "carry: rows" "$(of "$run" rows)" "8 8 8 8 8 8 8 8 8 8 8 8 8 8"
carried=$(digest_of "$run")
said_before carry "the last 7 rows of an epoch go into the next one's first step"
[[ $carried != "$stepped" && $dropped != "$stepped" && $carried != "$dropped" ]] || die "different steps give one adapter"
train whole --set data.remainder=carry --set train.max_steps=55 --set checkpoint.enabled=false
expect "carry: tokens of eight epochs, 55 steps" "$(sum "$(of "$run" tokens)")" $((4 * tokens))
echo "step, drop, carry: the steps are as promised, and in 55 steps carry takes every row eight times"

# Step 7 begins with the rows that the first epoch left.
killed_and_resumed carried-on 2 1 --set data.remainder=carry
expect "carry, killed and resumed" "$(digest_of "$run")" "$carried"
killed_and_resumed dropped-on 1 2 --set data.remainder=drop
expect "drop, killed and resumed" "$(digest_of "$run")" "$dropped"
hold 9
"$program" train "$work/recipe.yaml" --set "output_dir=$work/later" --set data.remainder=carry >"$work/later.out" 2>&1 </dev/null &
background=$!
await_held 9
run=$(echo "$work"/later/rest-*)
"$program" pause "$run" >/dev/null
let_go 9
wait "$background" || true
background=
"$program" resume "$run" >"$work/later.out" 2>&1 </dev/null || die "a run that is paused in its second epoch is not resumed"
grep -qE '"event":"restored".*"step":9\b' "$run/events.jsonl" || die "it has not gone on from step 9"
expect "carry, paused in the second epoch" "$(digest_of "$run")" "$carried"
echo "killed in the first epoch, paused in the second: same bits"

# A sweep whose first run was killed and whose prepared data are gone.
cat >>"$work/recipe.yaml" <<'SWEEP'
sweep:
  parameters: { optimizer.lr: [1.0e-3, 5.0e-3] }
SWEEP
hold 5
"$program" train "$work/recipe.yaml" --set "output_dir=$work/sweep" >"$work/sweep.out" 2>&1 </dev/null &
background=$!
await_held 5
kill -KILL "$background"
wait "$background" 2>/dev/null || true
background=
sweep=$(echo "$work"/sweep/rest-*)
nobody_left() { ! pgrep -f "peft-studio-worker.*$sweep" >/dev/null; }
await "the end of the killed sweep's rank" nobody_left
let_go 5
[[ -d $work/sweep/.prepared ]] || die "there are no prepared data in $work/sweep"
rm -r "$work/sweep/.prepared"
"$program" resume "$sweep" >"$work/sweep-on.out" 2>&1 </dev/null || die "the sweep is not resumed: $(tail -n 5 "$work/sweep-on.out")"
grep -qE '"event":"restored".*"step":[45]\b' "$sweep/0/events.jsonl" || die "its first run has begun anew"
expect "the first run of the sweep" "$(digest_of "$sweep/0")" "$stepped"
[[ -e $sweep/1/completed.json ]] || die "its second run is not completed"
echo "a sweep without its prepared data: made again, and resumed with the same bits"
