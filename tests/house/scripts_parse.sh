#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every shell program parses, and those a person starts can be started.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
while IFS= read -r file; do
  head -n 1 "$file" | grep -q '^#!.*bash' || [[ $file == *.sh ]] || continue
  count=$((count + 1))
  error=$(bash -n "$file" 2>&1) || complain "$file: $error"
  [[ $file == *.sh || -x $file ]] || complain "$file: is not executable (chmod +x)"
done < <(find tools tests jobscripts packaging .ci -type f -not -name '*.py' 2>/dev/null | sort)
finish "$count" "shell programs"
