#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The final adapter has the same bits for 1, 2 and 4 ranks, from run to run, with and without gradient checkpointing:
# in f32 and bf16, with packing, dropout, a short last step of the epoch and an odd number of documents.
#   same_bits.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" bits

"$build/bin/make-tiny-model" "$work/model" --layers 3 --heads 6 --kv-heads 2 --head-dim 10 --attention-bias true --tied false >/dev/null
tiny_chats 61 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: bits
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 128 }
train: { epochs: 2, micro_batch_size: 2, global_batch_size: 8, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: null }
RECIPE

# adapter NAME RANKS [--set ...]: trains, prints the digest of the adapter
adapter() {
  local name=$1 ranks=$2
  shift 2
  "$build/bin/peft-studio" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/$name" "$@" >"$work/$name.out" 2>&1 </dev/null ||
    die "$name has not trained: $(tail -n 5 "$work/$name.out")"
  sha256sum <"$(echo "$work/$name"/bits-*/adapter/adapter_model.safetensors)"
}

for precision in fp32 bf16; do
  first=$(adapter "$precision-1" 1 --set train.precision=$precision)
  for ranks in 2 4; do
    other=$(adapter "$precision-$ranks" $ranks --set train.precision=$precision)
    [[ $other == "$first" ]] || die "$precision: $ranks ranks give another adapter than 1"
  done
  [[ $(adapter "$precision-again" 2 --set train.precision=$precision) == "$first" ]] || die "$precision: the second run differs from the first"
  [[ $(adapter "$precision-recompute" 1 --set train.precision=$precision --set train.gradient_checkpointing=true) == "$first" ]] ||
    die "$precision: gradient checkpointing changes the result"
  [[ $(adapter "$precision-seed" 1 --set train.precision=$precision --set train.seed=7) != "$first" ]] ||
    die "$precision: another seed gives the same adapter, so this test cannot fail"
  echo "$precision: 1, 2 and 4 ranks, run to run, with recomputation: ${first%% *}"
done
