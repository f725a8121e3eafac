#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts down: all of it works from wherever it was moved to, names neither the sources nor the build
# folder, is found by find_package and pkg-config, and `uninstall` leaves nothing but what is not ours.
#   install.sh BUILD_FOLDER CMAKE
set -euo pipefail
build=$1 cmake=$2
mkdir -p "$build/e2e"
work=$(mktemp -d "$build/e2e/install-XXXXXX")
# The manifest in the build folder is the developer's own.
[[ ! -e $build/install_manifest.txt ]] || cp "$build/install_manifest.txt" "$work/manifest-of-before"
finish() {
  local status=$?
  trap - EXIT
  rm -f "$build/install_manifest.txt"
  [[ ! -e $work/manifest-of-before ]] || cp "$work/manifest-of-before" "$build/install_manifest.txt"
  if ((status == 0)); then rm -rf "$work"; else tail -n 12 "$work"/*.out 2>/dev/null || true; echo "kept: $work"; fi
  exit "$status"
}
trap finish EXIT
die() { printf 'FAILED: %s\n' "$*"; exit 1; }
sources=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt")
install_to() { "$cmake" --install "$build" --prefix "$1" >"$work/install.out" 2>&1 || die "cmake --install has failed"; }

# 1. Taken away again. What somebody else has put there stays.
install_to "$work/first"
cp "$build/install_manifest.txt" "$work/"
(cd "$work" && "$cmake" -P "$sources/cmake/uninstall.cmake") >"$work/uninstall.out" 2>&1 || die "uninstall has failed"
[[ ! -e $work/first ]] || die "uninstall has left: $(find "$work/first" | head -n 5)"
install_to "$work/first"
cp "$build/install_manifest.txt" "$work/"
touch "$work/first/bin/of-somebody-else"
(cd "$work" && "$cmake" -P "$sources/cmake/uninstall.cmake") >"$work/uninstall.out" 2>&1 || die "the second uninstall has failed"
[[ $(cd "$work/first" && find . -type f) == ./bin/of-somebody-else ]] || die "uninstall next to a foreign file has left: $(find "$work/first")"
echo "uninstall: nothing of ours left"

# 2. Moved elsewhere.
install_to "$work/second"
mkdir "$work/elsewhere"
mv "$work/second" "$work/elsewhere/prefix"
prefix=$work/elsewhere/prefix
for file in bin/peft-studio bin/peft-studio-worker libexec/peft-studio/make-tiny-model share/man/man1/peft-studio.1 \
  share/bash-completion/completions/peft-studio share/zsh/site-functions/_peft-studio share/fish/vendor_completions.d/peft-studio.fish \
  share/peft-studio/grafana/peft-studio.json share/peft-studio/libtorch.txt share/peft-studio/recipes/smollm2/135m_lora_laptop.yaml share/doc/peft-studio/LICENSE share/doc/peft-studio/install.md; do
  [[ -s $prefix/$file ]] || die "$file is not installed"
done
[[ ! -e $build/lib/peft-studio/libpst_cuda.so || -s $prefix/lib/peft-studio/libpst_cuda.so ]] || die "the module for GPUs is not installed"
# Texts name no folder of this machine; of the programs only the worker does, in its RUNPATH: libtorch where it was found.
while IFS= read -r file; do
  case $file in
    */bin/* | */libexec/*) ;;
    *) die "$file names the build's folders: $(grep -aoE "($work/second|$sources)[^ \"]*" "$file" | head -n 1)" ;;
  esac
done < <(grep -rlaF -e "$work/second" -e "$sources" "$prefix" || true)
runpath=$(readelf -d "$prefix/bin/peft-studio-worker" | sed -n 's/.*runpath: \[\(.*\)\]/\1/p')
[[ $runpath == '$ORIGIN/../lib/peft-studio/torch/lib':* ]] || die "the worker's RUNPATH does not begin with its own prefix: $runpath"
bash "$prefix/share/peft-studio/tests/self-test.sh" >"$work/self-test.out" 2>&1 || die "the self-test of the moved prefix"
grep -c passed "$work/self-test.out" | grep -qx 4 || die "the self-test has other than four parts"
echo "moved: the self-test passes"

# libtorch beside the worker goes before the one of the build.
torch=$(sed -n 's/^PST_TORCH_CPU_LIBRARY:FILEPATH=//p' "$build/CMakeCache.txt")
torch=$(cd "$(dirname -- "$torch")/.." && pwd -P)
mkdir -p "$prefix/lib/peft-studio"
ln -s "$torch" "$prefix/lib/peft-studio/torch"
[[ ! -d $torch/../nvidia ]] || ln -s "$(cd "$torch/../nvidia" && pwd -P)" "$prefix/lib/peft-studio/nvidia"
ldd "$prefix/bin/peft-studio-worker" | grep -F libtorch_cpu | grep -qF "$prefix/" || die "the worker does not take the libtorch of its prefix"
echo "libtorch of the prefix is found first"

# 3. Found by others.
mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<'PROJECT'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES NONE)
find_package(PeftStudio 0.1 REQUIRED)
get_target_property(program PeftStudio::peft-studio LOCATION)
execute_process(COMMAND ${program} --version OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY)
file(GLOB_RECURSE recipes ${PeftStudio_DATA_DIR}/recipes/*.yaml)
list(LENGTH recipes count)
message(STATUS "${version} with ${count} recipes")
if(count EQUAL 0)
  message(FATAL_ERROR "no recipes in ${PeftStudio_DATA_DIR}")
endif()
PROJECT
"$cmake" -S "$work/project" -B "$work/project/build" "-DCMAKE_PREFIX_PATH=$prefix" >"$work/project.out" 2>&1 || die "find_package(PeftStudio)"
sed 's/0.1 REQUIRED/7.0 REQUIRED/' -i "$work/project/CMakeLists.txt"
! "$cmake" -S "$work/project" -B "$work/project/build7" "-DCMAKE_PREFIX_PATH=$prefix" >"$work/project7.out" 2>&1 || die "version 7 was found"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname -- "$(find "$prefix" -name peft-studio.pc)")
version=$(pkg-config --modversion peft-studio)
[[ $("$prefix/bin/peft-studio" --version) == *"$version"* ]] || die "pkg-config says version $version"
[[ -x $(pkg-config --variable=bindir peft-studio)/peft-studio ]] || die "pkg-config's bindir has no peft-studio"
[[ -d $(pkg-config --variable=datadir peft-studio)/recipes ]] || die "pkg-config's datadir has no recipes"
echo "find_package and pkg-config: version $version"

# 4. Manual page and completion.
groff -man -ww -Tutf8 "$prefix/share/man/man1/peft-studio.1" >"$work/page.out" 2>"$work/warnings.out" || die "groff cannot read the manual page"
[[ ! -s $work/warnings.out ]] || die "the manual page: $(<"$work/warnings.out")"
grep -q checkpoint "$work/page.out" || die "the manual page says nothing of checkpoints"
completed=$(bash -c 'source "$1"; COMP_WORDS=(peft-studio checkpoint ver); COMP_CWORD=2; _peft_studio; echo "${COMPREPLY[*]}"' _ \
  "$prefix/share/bash-completion/completions/peft-studio")
[[ $completed == verify ]] || die "'peft-studio checkpoint ver' is completed to '$completed'"
echo "manual page without warnings, completion completes"
