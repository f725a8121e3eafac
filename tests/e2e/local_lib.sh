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
die() { printf 'FAILED: %s\n' "$*"; exit 1; }
# within SECONDS WHAT COMMAND...: until the command succeeds.
within() {
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@"; do ((SECONDS < deadline)) || die "$what: not within the time"; sleep 0.1; done
}
digest_of() { sha256sum <"$1/adapter/adapter_model.safetensors"; }
source "$(dirname -- "${BASH_SOURCE[0]}")/../../tools/lib/tiny_chats.sh"
