# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests that need no cluster: a folder of this test's own, the programs, what to do at the end.
#   source local_lib.sh BUILD_FOLDER NAME
# `background` is the process that has to be gone at the end, when there is one, `helpers` others; `logs` a pattern below $work to show on
# failure.
set -euo pipefail
build=$1
program=$build/bin/peft-studio
mkdir -p "$build/e2e"
work=$(mktemp -d "$build/e2e/$2-XXXXXX")
background='' helpers=() logs='*.out'
finish_local() {
  local status=$?
  trap - EXIT
  local pid
  for pid in $background "${helpers[@]}"; do
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true  # else bash says that it was killed
  done
  if ((status == 0 || status == 77)); then
    rm -rf "$work"
  else
    (cd "$work" && tail -n 12 $logs) || true
    echo "kept: $work"
  fi
  exit "$status"
}
trap finish_local EXIT
source "$(dirname -- "${BASH_SOURCE[0]}")/events_lib.sh"
export PST_CUDA_MODULE=/none  # train.device: auto is the CPU on every machine; a test of GPUs says otherwise
# killed_and_resumed NAME RANKS THEN [--set ...]: trains $work/recipe.yaml, which saves every step, on RANKS; kills the trainer without a
# word while it is held after step 5, so that step 4 is saved, and 5 where its ranks still hear of it; resumes on THEN ranks. Sets `run`.
killed_and_resumed() {
  local name=$1 ranks=$2 then=$3
  shift 3
  hold 5
  "$program" train "$work/recipe.yaml" --ranks "$ranks" --set "output_dir=$work/$name" "$@" >"$work/$name.out" 2>&1 </dev/null &
  background=$!
  await_held 5
  run=$(echo "$work/$name"/*-*)
  kill -KILL "$background"
  wait "$background" 2>/dev/null || true
  background=
  nobody_left() { ! pgrep -f "peft-studio-worker.*$run" >/dev/null; }
  await "the end of the killed trainer's ranks" nobody_left
  let_go 5
  "$program" resume "$run" --ranks "$then" >"$work/resumed.out" 2>&1 </dev/null || die "has not resumed: $(tail -n 5 "$work/resumed.out")"
  grep -qE '"event":"restored".*"step":[45]\b' "$run/events.jsonl" || die "has not gone on from step 4 or 5: $(cat "$run/events.jsonl")"
}
digest_of() { sha256sum <"$1/adapter/adapter_model.safetensors"; }
source "$(dirname -- "${BASH_SOURCE[0]}")/../../tools/lib/tiny_chats.sh"
