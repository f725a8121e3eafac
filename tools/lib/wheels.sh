# SPDX-License-Identifier: Apache-2.0
# Sourced after steps.sh: wheels from PyPI, whose content is known beforehand.

# pinned FILE NAME==VERSION...: writes the requirements with their digests, for pip's --require-hashes -r FILE.
pinned() {
  local file=$1 wanted
  shift
  for wanted in "$@"; do
    # From the line of that name to the first without a backslash at its end.
    awk -v wanted="$wanted" '$1 == wanted { on = 1; found = 1 } on { print } on && !/\\$/ { on = 0 } END { exit !found }' \
      "$PST_ROOT/packaging/libtorch.txt" "$PST_ROOT/tools/lib/wheels.txt" ||
      fail "neither packaging/libtorch.txt nor tools/lib/wheels.txt has a digest of $wanted"
  done >"$file"
}
