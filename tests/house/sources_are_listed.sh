#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sources are listed by hand in CMake; one that was forgotten would silently never be compiled.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
while IFS= read -r file; do
  count=$((count + 1))
  folder=$(dirname -- "$file")
  while [[ ! -f $folder/CMakeLists.txt && $folder != . ]]; do folder=$(dirname -- "$folder"); done
  # Matched as a whole word, as it is written in that CMakeLists.txt or in the ones above it.
  listed=0 here=$folder
  while :; do
    relative=${file#"$here"/}
    if [[ -f $here/CMakeLists.txt ]] && grep -qE "(^|[[:space:](/])${relative//./\\.}([[:space:])]|$)" "$here/CMakeLists.txt"; then listed=1; break; fi
    [[ $here != . ]] || break
    here=$(dirname -- "$here")
  done
  # Or by the folder beside it whose test program it is a part of.
  parent=$(dirname -- "$(dirname -- "$file")")
  if ((!listed)) && grep -qxE "[[:space:]]*\.\./${file#"$parent"/}" "$parent"/*/CMakeLists.txt 2>/dev/null; then listed=1; fi
  ((listed)) || complain "$file: in no CMakeLists.txt from $folder upwards"
done < <(find src kernels tests -name '*.cpp' -o -name '*.cu' | sort)
finish "$count" "sources"
