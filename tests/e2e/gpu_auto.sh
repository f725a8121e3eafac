#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# train.device: auto, with a module that claims GPUs (tests/support/pretend_cuda.cpp): CPUs where a rank has none of its own, a refusal
# that names the nodes where only some have, GPUs where all have, and a resumed run goes on where it began.
#   gpu_auto.sh BUILD_FOLDER
source "$(dirname -- "${BASH_SOURCE[0]}")/local_lib.sh" "$1" gpu-auto
logs='*.out */auto-*/events.jsonl'
export PST_CUDA_MODULE=$build/lib/libpretend_cuda.so

"$build/bin/make-tiny-model" "$work/model" >/dev/null
tiny_chats 41 varied >"$work/chats.jsonl"
cat >"$work/recipe.yaml" <<RECIPE
name: auto
model: { path: $work/model }
adapter: { r: 4, alpha: 8, dropout: 0.1, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 64 }
train: { max_steps: 8, micro_batch_size: 2, global_batch_size: 8, threads: 1, precision: fp32 }
optimizer: { lr: 1.0e-3 }
evaluate: { every_steps: null }
checkpoint: { every_steps: 1 }
RECIPE

# train NAME RANKS: sets status and run
train() {
  status=0
  timeout 120 "$program" train "$work/recipe.yaml" --ranks "$2" --set "output_dir=$work/$1" >"$work/$1.out" 2>&1 </dev/null || status=$?
  run=$(echo "$work/$1"/auto-*)
}
says() { grep -rqF -- "$2" "$work/$1.out" "$run" || die "$1 does not say '$2'"; }
# took NAME DEVICE TEXT: trained, and the event tells where and why
took() {
  ((status == 0)) || die "$1 ended with $status"
  grep -q "\"event\":\"device\".*\"device\":\"$2\".*$3" "$run/events.jsonl" || die "$1: not on $2 because of '$3'"
}

PRETEND_GPUS=0 train none 2
took none cpu "the driver shows none"
cpu=$(digest_of "$run")
PRETEND_GPUS=1 train shared 2
took shared cpu "several of its ranks see the same GPU, 0000:00:00.0"
[[ $(digest_of "$run") == "$cpu" ]] || die "a look at GPUs changes the bits of CPUs"
echo "no GPU, or one for two ranks: on the CPU, with the same bits, and the event says why"

PRETEND_GPUS=2 train all 2
((status != 0)) || die "trained on GPUs that are none"
says all "train.device: auto takes GPUs: every rank has a GPU of its own"
! grep -q '"event":"device"' "$run/events.jsonl" || die "all: a device that was not taken is told"
echo "two for two ranks: they are taken (and are no GPUs)"

# A worker on a node of its own for each rank, the first with a GPU.
cat >"$work/mixed.sh" <<'WORKER'
#!/usr/bin/env bash
rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-0}}
export SLURMD_NODENAME=n$rank PRETEND_GPUS=$((1 - rank))
exec "$REAL_WORKER" "$@"
WORKER
chmod +x "$work/mixed.sh"
export REAL_WORKER=$build/bin/peft-studio-worker
PST_WORKER=$work/mixed.sh train mixed 2
((status == 69)) || die "mixed ended with $status, not 69"
says mixed "every rank has a GPU of its own on node n0, and not on node n1"
says mixed "train.device: cpu"
grep -q '"n1"' "$run/attempts/0001/unfit.json" || die "n1 is not left for the supervisor"
[[ ! -e $run/checkpoints ]] || [[ -z $(ls "$run/checkpoints") ]] || die "mixed has trained"
echo "a GPU on one node of two: unfit, and says which"

# From the second attempt on there are GPUs.
cat >"$work/later.sh" <<'WORKER'
#!/usr/bin/env bash
[[ " $* " == *" --attempt 1 "* ]] || export PRETEND_GPUS=2
exec "$REAL_WORKER" "$@"
WORKER
chmod +x "$work/later.sh"
export PST_WORKER=$work/later.sh
killed_and_resumed later 2 1
status=0
took later cpu "the run began on CPUs"
[[ $(digest_of "$run") == "$cpu" ]] || die "another adapter than the undisturbed run's"
echo "killed on CPUs, resumed where there are GPUs: goes on with the CPU, same bits"
