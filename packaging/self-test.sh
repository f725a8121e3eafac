#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tries an installation: it lies in <prefix>/share/peft-studio/tests and tests the prefix it lies in, in a temporary folder
# that is removed, on one CPU core, without Slurm and network, in less than a minute.
#   self-test.sh [version] [doctor] [recipes] [training]      without a part: all of them
# Exit status 0: everything passed; 1: something did not, and the last lines say what.
set -euo pipefail
prefix=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.." && pwd -P)
program=$prefix/bin/peft-studio worker=$prefix/bin/peft-studio-worker tiny_model=$prefix/libexec/peft-studio/make-tiny-model
work=$(mktemp -d "${TMPDIR:-/tmp}/peft-studio-self-test-XXXXXX")
part=
finish() {
  local status=$?
  trap - EXIT
  if ((status != 0)); then
    tail -n 15 "$work"/*.out 2>/dev/null || true
    echo "self-test: $part: FAILED"
  fi
  rm -rf "$work"
  exit $((status > 0))
}
trap finish EXIT
die() { printf 'self-test: %s\n' "$*"; exit 1; }
said() { grep -qF -- "$2" "$work/$1.out" || die "'$2' is missing in what $1 said"; }
# do_as NAME COMMAND...: what it says goes to NAME.out.
do_as() {
  local name=$1 status=0; shift
  "$@" >"$work/$name.out" 2>&1 </dev/null || status=$?
  ((status == 0)) || die "${1##*/} ${2:-} ended with status $status"
}

version() {
  do_as version "$program" --version
  said version peft-studio
  if [[ -e $worker ]]; then
    do_as worker "$worker" --version  # loads libtorch and MPI
    said worker MPI
    said worker "$(sed -n '1s/.* //p' "$work/version.out")"  # both programs are of one build
  fi
}

# What is found depends on the machine, and a login node may well be unfit for training; that it looks does not.
doctor() {
  "$program" doctor --here --folder "$work" >"$work/doctor.out" 2>&1 </dev/null || echo "self-test: doctor finds this machine unfit: status $?"
  local what
  for what in CPU memory disk; do said doctor "$what"; done
}

recipes() {
  local recipe count=0
  while IFS= read -r recipe; do
    do_as recipe "$program" validate --recipe-only "$recipe"
    count=$((count + 1))
  done < <(find "$prefix/share/peft-studio/recipes" -name '*.yaml' | sort)
  ((count > 0)) || die "no recipes are installed"
}

adapter_of() { sha256sum <"$1/adapter/adapter_model.safetensors"; }

# A run of 12 steps; its checkpoints verify. Then the run as it would be had it died before its end, with its newest
# checkpoint damaged: that is noticed, the run goes on from the one before, and ends with the bits of the first.
training() {
  [[ -x $worker ]] || die "peft-studio-worker is not installed here: it was built with PST_WORKER=OFF"
  do_as model "$tiny_model" "$work/model"
  local i
  for ((i = 0; i < 24; i++)); do
    printf '{"messages": [{"role": "user", "content": "%d plus %d?"}, {"role": "assistant", "content": "it is %d"}]}\n' \
      "$i" $((i * 3)) $((i * 4))
  done >"$work/chats.jsonl"
  cat >"$work/recipe.yaml" <<RECIPE
name: self-test
model: { path: $work/model }
adapter: { r: 4, alpha: 8, target_modules: all-linear }
data: { train: [ { path: $work/chats.jsonl } ], validation_fraction: 0.1, max_length: 64 }
train: { epochs: 100, max_steps: 12, micro_batch_size: 2, global_batch_size: 4, precision: fp32, threads: 1 }
optimizer: { lr: 1.0e-3 }
checkpoint: { every_steps: 4, keep: 3 }
output_dir: $work/runs
RECIPE
  do_as train "$program" train "$work/recipe.yaml"
  local run newest
  run=$(echo "$work"/runs/self-test-*)
  do_as verify "$program" checkpoint verify "$run"

  mkdir "$work/died"
  cp -r "$run" "$work/died/"
  local died=$work/died/${run##*/}
  rm -r "$died/completed.json" "$died/adapter"
  newest=$(find "$died/checkpoints" -maxdepth 1 -name 'step-*' | sort | tail -n 1)
  printf 'damage' | dd of="$newest/rank-0.h5" bs=1 seek=3000 conv=notrunc status=none
  ! "$program" checkpoint verify "$died" >"$work/damaged.out" 2>&1 || die "a damaged checkpoint was not noticed"
  do_as resume "$program" resume "$died"
  [[ $(adapter_of "$died") == "$(adapter_of "$run")" ]] || die "the resumed run has another adapter than the undisturbed one"
}

(($# > 0)) || { set -- version doctor recipes; [[ ! -e $worker ]] || set -- "$@" training; }
for part in "$@"; do
  case $part in
    version | doctor | recipes | training) "$part" ;;
    *) die "there is no part '$part'; the parts are version, doctor, recipes, training" ;;
  esac
  echo "self-test: $part: passed"
done
