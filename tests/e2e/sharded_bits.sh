#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Frozen weights, the optimizer's state and the masters in shares over the ranks give the bits of whole copies: on 2 and 4 ranks those of
# one, on 3 those of 3, with a short last step that leaves ranks without work, with evaluation, with recomputation, through a
# kill and a resume on fewer ranks.
#   sharded_bits.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" shard

"$build/bin/make-tiny-model" "$work/model" --layers 4 --heads 6 --kv-heads 2 --head-dim 10 --attention-bias true --tied false >/dev/null
tiny_chats 61 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: bits
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 128 }
train: { epochs: 2, micro_batch_size: 2, global_batch_size: 8, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: 3 }
checkpoint: { every_steps: 1 }
RECIPE

# adapter NAME RANKS STRATEGY [--set ...]: trains, prints the digest of the adapter
adapter() {
  local name=$1 ranks=$2 strategy=$3
  shift 3
  "$program" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/$name" --set "parallel.strategy=$strategy" "$@" \
    >"$work/$name.out" 2>&1 </dev/null || die "$name has not trained: $(tail -n 5 "$work/$name.out")"
  digest_of "$(echo "$work/$name"/bits-*)"
}
same() { [[ $2 == "$3" ]] || die "$1: another adapter"; }

one=$(adapter one 1 replicate)
three=$(adapter three 3 replicate --set train.global_batch_size=12)
same "shard, 1 rank" "$(adapter shard1 1 shard)" "$one"
same "shard, 2 ranks" "$(adapter shard2 2 shard)" "$one"
same "shard, 4 ranks" "$(adapter shard4 4 shard)" "$one"
same "shard, 3 ranks" "$(adapter shard3 3 shard --set train.global_batch_size=12)" "$three"
same "hybrid, 2 ranks" "$(adapter hybrid2 2 hybrid)" "$one"
same "shard with recomputation, 2 ranks" "$(adapter recompute 2 shard --set train.gradient_checkpointing=true)" "$one"
same "a short last step, 4 ranks" "$(adapter short4 4 shard --set train.global_batch_size=16)" "$(adapter short1 1 replicate --set train.global_batch_size=16)"
grep -q '"parallel.strategy":{"value":"shard"' "$(echo "$work"/shard4/bits-*)"/attempts/0001/nodes/*.jsonl || die "the log does not say how the weights lie"
moments=(--set parallel.optimizer=shard)
same "moments in shares, 2 ranks" "$(adapter moments2 2 replicate "${moments[@]}")" "$one"
same "moments in shares, 3 ranks" "$(adapter moments3 3 replicate "${moments[@]}" --set train.global_batch_size=12)" "$three"
same "all in shares, 4 ranks" "$(adapter moments4 4 shard "${moments[@]}")" "$one"
# Products in bf16 have copies of the masters, so that a rank needs no others' masters: they lie in shares as well.
bf16=(--set train.precision=bf16)
same "bf16, masters in shares, 2 ranks" "$(adapter masters2 2 replicate "${moments[@]}" "${bf16[@]}")" "$(adapter bf16 2 replicate "${bf16[@]}")"
stored() { stat -c %s "$(echo "$work/$1"/bits-*/checkpoints/step-*/rank-"$2".h5 | cut -d' ' -f1)"; }
(($(stored moments4 0) < $(stored one 0) / 2)) || die "a rank of 4 stores $(stored moments4 0) bytes, one alone $(stored one 0)"
echo "shares over 1, 2, 3 and 4 ranks, hybrid, recomputation: the bits of whole copies"

# Killed on four ranks without a word, resumed on two.
long=(--set train.epochs=1000 --set train.max_steps=20)
undisturbed=$(adapter long 1 replicate "${long[@]}")
killed_and_resumed killed 4 2 --set parallel.strategy=shard "${moments[@]}" "${long[@]}"
same "killed on 4 ranks, resumed on 2" "$(digest_of "$run")" "$undisturbed"
in_bf16=$(adapter long16 1 replicate "${long[@]}" "${bf16[@]}")
killed_and_resumed killed16 4 2 "${moments[@]}" "${long[@]}" "${bf16[@]}"
same "killed on 4 ranks, resumed on 2, in bf16" "$(digest_of "$run")" "$in_bf16"
# Experts too: each rank has its share of all of them.
"$build/bin/make-tiny-model" "$work/experts" --model-type qwen3_moe --layers 3 --heads 6 --kv-heads 2 --head-dim 10 --config \
  '{"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 22, "norm_topk_prob": true}' >/dev/null
long+=(--set "model.path=$work/experts")
of_experts=$(adapter experts 1 replicate "${long[@]}")
killed_and_resumed killed-experts 4 2 --set parallel.strategy=shard "${long[@]}"
same "experts, killed on 4 ranks, resumed on 2" "$(digest_of "$run")" "$of_experts"
echo "killed on 4 ranks, resumed on 2: the same bits, with experts too"

# Others read the checkpoint as before: every tensor whole.
"$program" checkpoint verify "$run" >"$work/check.out" 2>&1 || die "its checkpoints are not whole: $(cat "$work/check.out")"
