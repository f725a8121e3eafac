# SPDX-License-Identifier: Apache-2.0
# Sourced by the programs in tools/: running one part of the work after another so that a reader sees what is being done
# and how long it takes, and on failure which part it was, the end of its log and what to try.
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib/steps.sh"
#   steps_begin setup                                   # names the tool; logs go to build/log/setup-*.log
#   step --try "is the network there?" "Fetching libtorch" pip install ...
#   steps_end "everything is there"
#
# A step's command runs in a subshell with errexit, in a process group of its own, without standard input. Ctrl-C ends
# that group and then the tool (exit status 130).

PST_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
export PST_ROOT

# A CI job may have no HOME; pip, ccache and Open MPI all want one.
if [[ -z ${HOME:-} ]]; then
  HOME=$(getent passwd "$(id -u)" 2>/dev/null | cut -d: -f6) || true
  [[ -n $HOME && -w $HOME ]] || { HOME=$PST_ROOT/.deps/home; mkdir -p "$HOME"; }
  export HOME
fi

PST_QUIET=${PST_QUIET:-0}
_steps_tool=tool
_steps_number=0
_steps_child=
_steps_log_dir=$PST_ROOT/build/log

# Milliseconds since some moment; bash's own clock, so no process is started.
_steps_now() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }

# 83456 -> "83.5 s", 183456 -> "3 min 03 s"
steps_duration() {
  local ms=$1
  if ((ms < 120000)); then
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
  else
    printf '%d min %02d s' $((ms / 60000)) $((ms / 1000 % 60))
  fi
}

steps_begin() {
  _steps_tool=$1
  _steps_started=$(_steps_now)
  mkdir -p "$_steps_log_dir"
  trap '_steps_stop INT 130' INT
  trap '_steps_stop TERM 143' TERM
}

# Ends what is running and leaves. A tool with more to clean up defines steps_cleanup.
_steps_stop() {
  trap - INT TERM
  if [[ -n $_steps_child ]]; then
    kill -TERM -- "-$_steps_child" 2>/dev/null || true
    wait "$_steps_child" 2>/dev/null || true
    _steps_child=
  fi
  printf '\n%s: stopped (%s)\n' "tools/$_steps_tool" "SIG$1" >&2
  exit "$2"
}

say() { [[ $PST_QUIET == 1 ]] || printf '%s\n' "$*"; }

# fail [--status N] [--try TEXT] MESSAGE: one message, what to try, and out.
fail() {
  local status=1 try=
  while [[ ${1:-} == --* ]]; do
    case $1 in
      --status) status=$2 ;;
      --try) try=$2 ;;
    esac
    shift 2
  done
  printf 'tools/%s: %s\n' "$_steps_tool" "$*" >&2
  [[ -z $try ]] || printf '  try: %s\n' "$try" >&2
  exit "$status"
}

# One line now and then while a step takes long, so that nobody wonders whether it still runs.
_steps_tick() {
  local text=$1 log=$2 begin=$3 every=30 last
  [[ -t 1 ]] && every=1
  local nothing
  exec {nothing}<> <(:)  # read's time-out is the clock: a `sleep` would outlive this process when it is killed
  while ! read -r -t "$every" -u "$nothing"; do
    last=$(tail -c 400 "$log" 2>/dev/null | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | tr -d '\000-\037' | cut -c1-70) || true
    if [[ -t 1 ]]; then
      printf '\r\033[K  ..  %-9s %s  %s' "$(steps_duration $(($(_steps_now) - begin)))" "$text" "$last"
    else
      printf '  ..  %-9s %s: %s\n' "$(steps_duration $(($(_steps_now) - begin)))" "$text" "$last"
    fi
  done
}

# step [--try HINT] TEXT COMMAND...
step() {
  local hint=
  if [[ $1 == --try ]]; then hint=$2; shift 2; fi
  local text=$1; shift
  _steps_number=$((_steps_number + 1))
  local log
  log=$(printf '%s/%s-%02d.log' "$_steps_log_dir" "$_steps_tool" "$_steps_number")
  local begin status=0 ticker=
  begin=$(_steps_now)
  : >"$log"

  if [[ $PST_QUIET != 1 ]]; then
    if [[ -t 1 ]]; then printf '  ..            %s' "$text"; else printf '  ..            %s\n' "$text"; fi
    _steps_tick "$text" "$log" "$begin" & ticker=$!
  fi
  set -m  # a process group of its own, so that Ctrl-C reaches everything the step started, and only that
  ( set +m; set -euo pipefail; trap - INT TERM; "$@" ) >"$log" 2>&1 </dev/null & _steps_child=$!
  set +m
  wait "$_steps_child" || status=$?
  _steps_child=
  if [[ -n $ticker ]]; then
    # KILL, which runs no trap: one that is ended in its first moments would still run its parent's for EXIT.
    kill -KILL "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
  fi

  local took
  took=$(steps_duration $(($(_steps_now) - begin)))
  local clear=; [[ -t 1 ]] && clear=$'\r\033[K'
  if ((status == 0)); then
    [[ $PST_QUIET == 1 ]] || printf '%s  ok  %-9s %s\n' "$clear" "$took" "$text"
    return 0
  fi
  {
    printf '%s  FAILED after %s: %s (exit status %d)\n' "$clear" "$took" "$text" "$status"
    printf '  the end of %s:\n' "${log#"$PST_ROOT"/}"
    tail -n 25 "$log" | tr '\r' '\n' | sed 's/^/  | /'
    [[ -z $hint ]] || printf '  try: %s\n' "$hint"
  } >&2
  exit "$status"
}

steps_end() { say "tools/$_steps_tool: $1 ($(steps_duration $(($(_steps_now) - _steps_started))))"; }
