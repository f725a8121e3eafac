#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A run that is paused and resumed, with other numbers of ranks, with damaged checkpoints, with steps that the guard
# passes over, ends with the bits of the undisturbed one; and what would give other bits is refused by name.
#   resume_bits.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" resume
logs='*.out */bits-*/events.jsonl'

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 61 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: bits
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 128 }
train: { epochs: 100000, max_steps: 40, micro_batch_size: 2, global_batch_size: 8, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: 20 }
checkpoint: { every_steps: 1, keep: 3 }
RECIPE

has_event() { grep -qs "\"event\":\"$2\"" "$1/events.jsonl"; }

# train NAME [--set ...]: to its end; sets run and status.
train() {
  local name=$1
  shift
  status=0
  "$program" train "$work/recipe.yaml" --set "output_dir=$work/$name" "$@" >"$work/$name.out" 2>&1 </dev/null || status=$?
  run=$(echo "$work/$name"/bits-*)
}

# resume RUN [--set ...]: to its end; sets status, leaves what it said in said.
resume() {
  status=0
  "$program" resume "$@" >"$work/said.out" 2>&1 </dev/null || status=$?
  said=$(<"$work/said.out")
}

# paused_at STEP RUN_PATTERN PROGRAM...: starts a trainer and pauses it while it is held after that step; sets run.
paused_at() {
  local step=$1 pattern=$2
  shift 2
  hold "$step"
  "$program" "$@" >"$work/paused-$step.out" 2>&1 </dev/null &
  background=$!
  await_held "$step"
  run=$(compgen -G "$pattern")
  "$program" pause "$run" >/dev/null
  let_go "$step"
  local ended=0
  wait "$background" || ended=$?
  background=
  ((ended == 76)) || die "the paused training ended with $ended, not 76"
}

# copy NAME: of the run that is paused after a few steps.
copy() {
  mkdir "$work/$1"
  cp -r "$paused" "$work/$1/"
  run=$work/$1/$(basename "$paused")
}
expect_reference() {
  ((status == 0)) || die "$1 ended with $status: $(tail -n 4 "$work/said.out")"
  [[ $(digest_of "$run") == "$reference" ]] || die "$1: another adapter than the undisturbed run's"
}
expect_refusal() {  # STATUS TEXT: and the run is as it was
  ((status == $1)) || die "ended with $status instead of $1: $said"
  [[ $said == *"$2"* ]] || die "does not say '$2': $said"
}

# 1. Paused three times, with 4, 2, 1 and 4 ranks.
train alone
((status == 0)) || die "the undisturbed run has failed"
reference=$(digest_of "$run")

paused_at 8 "$work/moved/bits-*" train "$work/recipe.yaml" --ranks 4 --set "output_dir=$work/moved"
paused=$work/paused/$(basename "$run")
mkdir "$work/paused"
cp -r "$run" "$work/paused/"
paused_at 16 "$run" resume "$run" --ranks 2
paused_at 24 "$run" resume "$run" --ranks 1
resume "$run" --ranks 4
expect_reference "4 -> 2 -> 1 -> 4 ranks"
restored=$(grep -oE '"event":"restored".*"step":[0-9]+' "$run/events.jsonl" | grep -oE '[0-9]+$' | xargs)
[[ $restored == "8 16 24" ]] || die "restored at $restored, not at 8 16 24"
echo "4 -> 2 -> 1 -> 4 ranks, paused after steps $restored: same bits"

# 2. What alters the result is refused by name, and nothing has changed then; what does not, is not.
copy changed
before=$(cd "$run" && find . -type f -exec sha256sum {} + | sort)
resume "$run" --set optimizer.lr=0.5 --set train.seed=7
expect_refusal 64 "optimizer.lr was 0.001 and is 0.5; train.seed was 42 and is 7"
resume "$run" --set optimiser.lr=0.5
expect_refusal 64 "did you mean"
resume "$run" --set name=other --allow-change
expect_refusal 64 "cannot change when it is resumed"
[[ $(cd "$run" && find . -type f -exec sha256sum {} + | sort) == "$before" ]] || die "a refused resume has changed the run"
sed -i 's/^ *seed: 42$/  seed: 7/' "$run/recipe.yaml"  # behind the program's back: the worker refuses too
mkdir -p "$run/attempts/0002/nodes"
status=0
said=$("$build/bin/peft-studio-worker" train --run "$run" --attempt 2 2>&1) || status=$?
expect_refusal 64 "train.seed was 42 and is 7"
resume "$run" --set train.seed=42 --set checkpoint.keep=9
expect_reference "a harmless change"
grep -q 'keep: 9' "$run/recipe.yaml" || die "--set is not in the recipe"

copy allowed
resume "$run" --set optimizer.lr=0.0005 --allow-change
((status == 0)) || die "an allowed change ended with $status: $said"
has_event "$run" change-allowed || die "no event tells of the allowed change"
[[ $(digest_of "$run") != "$reference" ]] || die "half of the learning rate gives the same adapter"

copy another-model
printf '\n' >>"$work/model/config.json"
resume "$run"
expect_refusal 64 "the files of the model"
truncate -s -1 "$work/model/config.json"

# 3. Damaged checkpoints.
copy damaged
newest=$(ls -d "$run"/checkpoints/step-* | tail -n 1)
printf 'damage' | dd of="$newest/rank-1.h5" bs=1 seek=4000 conv=notrunc status=none
resume "$run"
expect_reference "the newest checkpoint damaged"
has_event "$run" checkpoint-rejected || die "no event tells of the damaged checkpoint"
has_event "$run" restored || die "it did not fall back"

copy all-damaged
for folder in "$run"/checkpoints/step-*; do truncate -s 100 "$folder/state.h5"; done
resume "$run"
expect_reference "all checkpoints damaged"
has_event "$run" started-over || die "no event tells that the run started over"
echo "harmless change, one and all checkpoints damaged: same bits"

# 4. The guard. Whatever is a little worse than the step before counts as a spike here.
spikes=(--set guard.loss_window=1 --set guard.loss_ratio=1.005 --set train.max_steps=80)
train skips "${spikes[@]}" --set guard.spike=skip
((status == 0)) || die "a run with skipped steps ended with $status"
skips=$(cat "$run"/attempts/0001/nodes/*.jsonl | grep -c '"skipped":true') || die "no step was skipped"
skipped=$(digest_of "$run")
paused_at 20 "$work/skips2/bits-*" train "$work/recipe.yaml" --ranks 2 --set "output_dir=$work/skips2" "${spikes[@]}" --set guard.spike=skip
resume "$run" --ranks 1
((status == 0)) || die "resuming a run with skipped steps ended with $status"
[[ $(digest_of "$run") == "$skipped" ]] || die "skipped steps, paused and resumed: other bits"

train rolls "${spikes[@]}" --set guard.spike=rollback
((status == 0)) || die "a run that rolls back ended with $status"
grep -q '"event":"guard".*"action":"rollback"' "$run/events.jsonl" || die "no rollback"
train early --set guard.spike=rollback --set guard.grad_norm=1e-9 --set checkpoint.every_steps=50 --set checkpoint.keep_best=false
((status == 65)) || die "a rollback without a checkpoint ended with $status"
grep -q 'no valid checkpoint yet' "$work/early.out" || die "a rollback without a checkpoint does not say so"

diverge=(--set optimizer.lr=1e30 --set scheduler.warmup_ratio=0)
train stops "${diverge[@]}"
((status == 65)) || die "a run that diverges ended with $status"
grep -qE 'step [0-9]+: loss' "$work/stops.out" || die "the step is not named"
train passes "${diverge[@]}" --set guard.not_finite=skip
((status == 65)) || die "a run that only skips ended with $status"
(($(grep -c '"event":"guard".*"action":"skip"' "$run/events.jsonl") == 10)) || die "not ten steps skipped"
grep -q '10 steps in a row' "$work/passes.out" || die "it does not say why it stopped"
echo "the guard: $skips steps skipped (also paused and resumed), rollback, stop"
