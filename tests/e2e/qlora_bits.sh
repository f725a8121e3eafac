#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# LoRA over a frozen base in 4 or 8 bits: the same adapter on 1 and 2 ranks, whole or in shares, quantised when it is read or
# beforehand by `model quantise`, and after a kill and a resume on fewer ranks; another than over the dense base.
#   qlora_bits.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" qlora

"$build/bin/make-tiny-model" "$work/model" --layers 3 --heads 6 --kv-heads 2 --head-dim 10 --attention-bias true --tied false >/dev/null
tiny_chats 61 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: bits
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 128 }
train: { epochs: 1, micro_batch_size: 2, global_batch_size: 8, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
checkpoint: { every_steps: 1 }
RECIPE

# adapter NAME RANKS FORMAT [--set ...]: trains, prints the digest of the adapter
adapter() {
  local name=$1 ranks=$2 format=$3
  shift 3
  "$program" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/$name" --set "model.quantization.format=$format" "$@" \
    >"$work/$name.out" 2>&1 </dev/null || die "$name has not trained: $(tail -n 5 "$work/$name.out")"
  digest_of "$(echo "$work/$name"/bits-*)"
}
same() { [[ $2 == "$3" ]] || die "$1: another adapter"; }

dense=$(adapter dense 1 none)
for format in nf4 int8 fp8; do
  one=$(adapter "$format" 1 "$format")
  [[ $one != "$dense" ]] || die "$format gives the adapter of the dense base"
  same "$format, 2 ranks" "$(adapter "$format-2" 2 "$format")" "$one"
  same "$format in shares over 2 ranks" "$(adapter "$format-shard" 2 "$format" --set parallel.strategy=shard)" "$one"
  "$program" model quantise "$work/model" "$work/model-$format" --format "$format" >"$work/quantise.out" 2>&1 || die "model quantise"
  same "$format, quantised beforehand" "$(adapter "$format-folder" 1 "$format" --set "model.path=$work/model-$format")" "$one"
done
nf4=$(digest_of "$(echo "$work"/nf4/bits-*)")
plain=$(adapter plain 1 nf4 --set model.quantization.double_quantization=false)
[[ $plain != "$nf4" ]] || die "double quantisation makes no difference"
echo "nf4, int8 and fp8: the same adapter on 1 and 2 ranks, in shares, from a quantised folder"

if "$program" validate "$work/recipe.yaml" --set "model.path=$work/model-nf4" >"$work/refused.out" 2>&1; then die "a quantised folder passed as dense"; fi
grep -q 'set model.quantization.format: nf4' "$work/refused.out" || die "the refusal has no remedy: $(cat "$work/refused.out")"
run=$(echo "$work"/nf4/bits-*)
answer=$("$program" generate --run "$run" --prompt hello --max-new-tokens 8 --raw 2>"$work/generate.out") || die "generate: $(cat "$work/generate.out")"
again=$("$program" generate --model "$work/model-nf4" --adapter "$run/adapter" --prompt hello --max-new-tokens 8 --raw)
[[ $answer == "$again" ]] || die "the run's model and the quantised folder answer differently"

# Killed on two ranks without a word, resumed on one.
long=(--set train.epochs=1000 --set train.max_steps=20)
undisturbed=$(adapter long 1 nf4 "${long[@]}")
killed_and_resumed killed 2 1 --set model.quantization.format=nf4 "${long[@]}"
same "killed on 2 ranks, resumed on 1" "$(digest_of "$run")" "$undisturbed"
echo "killed on 2 ranks, resumed on 1: the same bits"
