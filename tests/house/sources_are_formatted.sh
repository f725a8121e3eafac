#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every C++ and CUDA source is as clang-format 14 writes it, by .clang-format. Another version breaks lines elsewhere.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
formatter=
for name in clang-format-14 clang-format; do
  if command -v "$name" >/dev/null && [[ $("$name" --version) == *'version 14.'* ]]; then formatter=$name; break; fi
done
[[ -n $formatter ]] || { echo "skipped: no clang-format of version 14 here (Debian 12: clang-format-14)"; exit 77; }

mapfile -t files < <(find src kernels tests tools -type f \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) | sort)
if ! report=$(printf '%s\n' "${files[@]}" | xargs -n 100 -P 2 "$formatter" --dry-run --Werror 2>&1); then
  names=$(sed -n 's/^\([^:]*\):[0-9]*:.*code should be clang-formatted.*/\1/p' <<<"$report" | sort -u)
  if [[ -z $names ]]; then complain "$formatter failed: ${report:0:500}"; fi
  for file in $names; do complain "$file: clang-format -i $file"; done
fi
finish "${#files[@]}" "sources"
