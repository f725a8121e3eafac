#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long a program takes that only prints and leaves. The machine being shared, one start within the time is enough.
#   starts_fast.sh PROGRAM MILLISECONDS ARGUMENT...
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
program=$1 limit_ms=$2; shift 2
best_us= starts=0
until ((starts > 0 && best_us <= limit_ms * 1000 || starts == 50)); do
  begin=${EPOCHREALTIME/[.,]/}
  "$program" "$@" >/dev/null
  took=$((${EPOCHREALTIME/[.,]/} - begin))
  if [[ -z $best_us ]] || ((took < best_us)); then best_us=$took; fi
  starts=$((starts + 1))
done
echo "best of $starts: $((best_us / 1000)).$((best_us / 100 % 10)) ms"
((best_us <= limit_ms * 1000)) || complain "$program $*: $((best_us / 1000)) ms, promised are $limit_ms ms"
finish "$starts" "starts"
