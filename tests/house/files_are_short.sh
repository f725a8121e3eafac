#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One idea a file: 100 to 300 lines is typical, 400 is the end.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
while read -r lines file; do
  [[ $file != total ]] || continue
  count=$((count + 1))
  ((lines <= 400)) || complain "$file: $lines lines; a file holds one idea in at most 400"
done < <(find src kernels tests tools cmake jobscripts \( -name '*.[ch]pp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.cmake' \
           -o -name 'CMakeLists.txt' -o -name '*.py' -o -name '*.sh' -o -path 'tools/*' ! -name '*.*' -type f \) -exec wc -l {} + 2>/dev/null)
finish "$count" "files"
