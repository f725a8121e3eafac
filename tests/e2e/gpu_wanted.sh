#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# train.device: cuda. Without a usable GPU, a module or a whole libtorch, the run stops at once on all ranks, says what is missing and what to
# do, and nothing hangs. With a GPU: losses are those of the CPU.
#   gpu_wanted.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" gpu
unset PST_CUDA_MODULE

"$build/bin/make-tiny-model" "$work/model" --layers 2 --heads 4 --kv-heads 2 --head-dim 16 >/dev/null
tiny_chats 21 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: gpu
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 64 }
train: { max_steps: 4, micro_batch_size: 2, global_batch_size: 8, threads: 1, precision: fp32 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: null }
RECIPE

# train NAME RANKS [--set ...]
train() {
  local name=$1 ranks=$2
  shift 2
  timeout 120 "$program" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/$name" "$@" >"$work/$name.out" 2>&1 </dev/null
}
# stops NAME RANKS STATUS TEXT...: with that status, and every text is in what it says or in the ranks' logs.
stops() {
  local name=$1 ranks=$2 wanted=$3 status=0 text
  shift 3
  train "$name" "$ranks" --set train.device=cuda || status=$?
  ((status == wanted)) || die "$name: status $status, not $wanted"
  [[ ! -e $(echo "$work/$name"/gpu-*)/attempts/0002 ]] || die "$name: tried more than once"
  for text in "$@"; do grep -rqF -- "$text" "$work/$name.out" "$work/$name" || die "$name does not say '$text'"; done
  echo "$name: stops with status $status and the remedy"
}

PST_CUDA_MODULE=$work/none.so stops no_module 1 64 "no code for GPUs" "-DPST_CUDA=ON" "train.device: cpu"
echo "no library" >"$work/text.so"
PST_CUDA_MODULE=$work/text.so stops no_library 2 64 "cannot open the module"
other=$(find "$build" -name 'libwrong_clock.so' | head -n 1)
[[ -z $other ]] || PST_CUDA_MODULE=$other stops another_library 1 64 "another build"

if [[ ! -e $build/lib/peft-studio/libpst_cuda.so ]]; then
  echo "the rest is for a build with PST_CUDA=ON: skipped"
elif ! nvidia-smi >/dev/null 2>&1; then
  stops no_gpu 2 69 "no GPU can be used here" "nvidia-smi"
  grep -qF 'train.device: cpu' "$work/no_gpu.out" || die "no_gpu: the remedy is not in what the program says"
  grep -qF "$(hostname)" "$(echo "$work"/no_gpu/gpu-*)/attempts/0001/unfit.json" || die "no_gpu: the node is not left for the supervisor"
  echo "training on a GPU: skipped, nvidia-smi shows none"
else
  train cpu 1 --set train.device=cpu || die "training on the CPU"
  train gpu 1 --set train.device=cuda || die "training on the GPU"
  python3 - "$work"/cpu/gpu-* "$work"/gpu/gpu-* <<'COMPARE' || die "losses on the GPU differ from the CPU's"
import glob, json, sys

def losses(run):
    lines = [json.loads(line) for path in glob.glob(run + "/attempts/0001/nodes/*.jsonl") for line in open(path, encoding="utf-8")]
    return [line["loss"] for line in lines if line.get("kind") == "step"]

cpu, gpu = losses(sys.argv[1]), losses(sys.argv[2])
assert len(cpu) == len(gpu) == 4, (cpu, gpu)
assert all(abs(a - b) <= 1e-4 * a for a, b in zip(cpu, gpu)), (cpu, gpu)
COMPARE
  echo "four steps: the GPU's losses are the CPU's"
fi
