#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/gpu-check on a machine without a GPU: says so at once, with status 69. Its rehearsal goes through the same steps on the CPU,
# never calls that a GPU's result, and fails when something does.
#   gpu_check.sh BUILD_FOLDER PYTHON
set -euo pipefail
build=$1 python=$2
sources=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt")
mkdir -p "$build/e2e"
work=$(mktemp -d "$build/e2e/gpu-check-XXXXXX")
finish() { local status=$?; trap - EXIT; if ((status == 0)); then rm -rf "$work"; else echo "kept: $work"; fi; exit "$status"; }
trap finish EXIT
die() { printf 'FAILED: %s\n' "$*"; tail -n 20 "$work/out" 2>/dev/null || true; exit 1; }
check() { # STATUS ARGUMENTS...
  local wanted=$1 status=0; shift
  "$python" "$sources/tools/gpu-check" --build "$build" --json "$work/report.json" "$@" >"$work/out" 2>&1 </dev/null || status=$?
  ((status == wanted)) || die "gpu-check $* ended with status $status, not $wanted"
}
told() { grep -qF -- "$1" "$work/out" || die "'$1' is missing"; }
report() { "$python" -c "import json, sys; r = json.load(open(sys.argv[1])); sys.exit(not ($1))" "$work/report.json" || die "not so: $1"; }

if [[ ! -e /dev/nvidia0 ]]; then
  check 69
  told '--cpu-rehearsal tries the steps'
  [[ ! -e $work/report.json ]] || die "there is a report though nothing ran"
fi

check 0 --cpu-rehearsal --only kernels,sanitizer,parity,nf4,fp8,kill,lora-2048,qlora-2048,fp8-2048 --work "$work/all" --minutes 8
told 'REHEARSAL ON A CPU: not a GPU result'
report 'r["rehearsal"] and r["label"].startswith("REHEARSAL") and r["gpu"] is None'
report 'all(p["status"] == "passed" for p in r["parts"] if p["part"] != "sanitizer")'
report 'all(p["reason"] for p in r["parts"] if p["status"] == "skipped")'
report '{p["part"]: p for p in r["parts"]}["kill"]["figures"]["attempts"] == 2'
report '{p["part"]: p for p in r["parts"]}["lora-2048"]["figures"]["tokens_per_s"] > 0'

PST_WORKER=/bin/false check 1 --cpu-rehearsal --only parity
report 'r["parts"][0]["status"] == "failed" and r["parts"][0]["reason"]'
check 0 --cpu-rehearsal --only parity --minutes 0
report 'r["parts"][0]["status"] == "skipped" and "no time" in r["parts"][0]["reason"]'
check 1 --cpu-rehearsal --only nonsense
told 'there is no part'
