#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Commands that a message asks a person to type: a path in one is quoted for the shell, and none writes over its input
# (`jq ... x > x` leaves nothing). Those that convert files are run by unit tests.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
command='"[^"\n]*(peft-studio [a-z]|chmod |iconv |jq |ls -l |cat |cp |mv |rm )[^"\n]* "\s*(,|<<)\s*'
value='(?!shell_quoted\()[\w:.()>-]*(handle\(|string\(\)|path\b|path_\b|run\.run\b|folder\b|output\b|file\b)'
while IFS= read -r -d '' file; do
  count=$((count + 1))
  while IFS= read -r -d '' found; do
    complain "$file: a path that is not quoted for the shell (core/strings.hpp): ${found//$'\n'/ }"
  done < <(grep -Pzo -- "$command$value" "$file" || true)
done < <(find src -name '*.cpp' -print0)
finish "$count" "files"
