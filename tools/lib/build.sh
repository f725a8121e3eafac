# SPDX-License-Identifier: Apache-2.0
# Sourced after steps.sh: configure and build one preset, doing nothing when nothing changed.

# Compiling a source that sees torch takes up to 2 GB: as many at once as there are cores and memory for.
_build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1024 / 2) }' /proc/meminfo)
  ((memory < 1)) && memory=1
  echo $((cores < memory ? cores : memory))
}

# build PRESET [TARGET...]
build() {
  local preset=$1 targets=(); shift
  (($# == 0)) || targets=(--target "$@")
  # Always configured: it takes a second when nothing changed, and never trusts a build folder left half-made.
  step --try "tools/setup; or, for a fresh start: rm -rf build/$preset" "Configuring ($preset)" cmake --preset "$preset"
  step --try "cmake --build build/$preset shows the whole output" \
    "Building ($preset)" cmake --build "build/$preset" --parallel "$(_build_jobs)" "${targets[@]}"
}
