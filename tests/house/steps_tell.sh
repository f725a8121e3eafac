#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/lib/steps.sh: a part that fails is named, with the end of its log and what to try, and ends the tool with the
# part's own status; a part that succeeds tells how long it took.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
expect() { count=$((count + 1)); grep -qF -- "$1" <<<"$out" || complain "missing '$1' in: $out"; }

status=0
out=$(bash -c '
  source tools/lib/steps.sh; _steps_log_dir=$(mktemp -d); trap "rm -rf $_steps_log_dir" EXIT
  steps_begin example
  good() { echo fine; }
  bad() { echo "the reason"; false; echo "not reached"; }
  step "First part" good
  step --try "the remedy" "Second part" bad
  echo "not reached either"' 2>&1) || status=$?

expect "First part"
expect "FAILED after"
expect "Second part (exit status 1)"
expect "| the reason"
expect "try: the remedy"
! grep -q 'not reached' <<<"$out" || complain "went on after a failure: $out"
((status == 1)) || complain "exit status $status, not 1"
finish "$count" "promises"
