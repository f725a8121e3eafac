#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The layers of cmake/PstModule.cmake, checked on what the sources really include: a header of a sibling or of a higher
# layer may be reachable by accident (a test's target, a transitive include root), and must not be used all the same.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
declare -A level=()
number=0
while IFS= read -r layer; do
  for module in $layer; do level[$module]=$number; done
  number=$((number + 1))
done < <(sed -n '/^set(PST_LAYERS/,/)/p' cmake/PstModule.cmake | grep -o '"[^"]*"' | tr -d '"')

count=0
while IFS=: read -r file line include; do
  module=${file#src/}; module=${module%%/*}
  other=$(sed -n 's/.*"\([a-z_]*\)\/.*/\1/p' <<<"$include")
  [[ -n ${level[$module]:-} && -n ${level[$other]:-} && $module != "$other" ]] || continue
  count=$((count + 1))
  ((level[$other] < level[$module])) ||
    complain "$file:$line: '$module' (layer ${level[$module]}) includes from '$other' (layer ${level[$other]})"
  [[ $module/$other != app/cli ]] || complain "$file:$line: the worker ('app') may not use the 'cli'"
done < <(grep -rnE '^#include "[a-z_]+/' src --include='*.hpp' --include='*.cpp' | sed 's/:\([0-9]*\):#include/:\1:/')

# libtorch is visible only in the layers from `ops` on.
while IFS=: read -r file line _; do
  module=${file#src/}; module=${module%%/*}
  ((${level[$module]:-99} >= ${level[ops]:-99})) || complain "$file:$line: '$module' lies above the line below which libtorch is visible"
done < <(grep -rnE '^#include <(ATen|torch|c10)/' src kernels --include='*.hpp' --include='*.cpp' || true)
finish "$count" "includes across modules"
