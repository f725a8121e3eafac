# SPDX-License-Identifier: Apache-2.0
# Sourced by cluster_lib.sh and local_lib.sh once $work is there: tests wait for events, and hold a run where they hit it.
die() { printf 'FAILED: %s\n' "$*"; exit 1; }
check() { local what=$1; shift; "$@" || die "$what"; }

# await WHAT COMMAND...: until the command succeeds. What is awaited does come, however slow the machine; the bound only ends a test
# that is broken, before ctest does so without a word.
readonly await_s=240
await() {
  local what=$1 deadline=$((SECONDS + await_s)); shift
  until "$@"; do
    ((SECONDS < deadline)) || die "$what: not within $await_s s"
    sleep 0.1
  done
}

# A run that has done step N stays there for as long as the file hold-N is (src/app/step_hold.hpp), or until it is asked to stop.
export PEFT_STUDIO_TEST_HOLD=$work/holds
mkdir "$PEFT_STUDIO_TEST_HOLD"
hold() { : >"$PEFT_STUDIO_TEST_HOLD/hold-$1"; }
let_go() { rm -f "$PEFT_STUDIO_TEST_HOLD"/{hold,reached}-"$1"; }
# await_held STEP [RUNS]: until a run, or so many, are held after that step.
await_held() { await "${2:-1} held after step $1" reached "$1" "${2:-1}"; }
reached() { (($(cat "$PEFT_STUDIO_TEST_HOLD/reached-$1" 2>/dev/null | wc -l) >= $2)); }
