#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/package/recipe_test.py finds what it is there to find: each of these changes makes it fail, naming the thing.
#   recipe_mutants.sh PYTHON      from the root of the repository
set -euo pipefail
python=$1
here=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy() {
  rm -rf "$work/tree"
  mkdir "$work/tree"
  tar -c CMakeLists.txt cmake src/version tools/setup tools/spack-repo packaging/self-test.sh package.py | tar -x -C "$work/tree"
}
test_it() { (cd "$work/tree" && "$python" "$here/tests/package/recipe_test.py"); }

copy
test_it >/dev/null || { echo "the unchanged copy does not pass"; test_it; exit 1; }
count=0 missed=0
# mutant FILE SED_PROGRAM TEXT: the change is made, and the complaint has the text.
mutant() {
  copy
  count=$((count + 1))
  sed -i -E "$2" "$work/tree/$1"
  if cmp -s "$1" "$work/tree/$1"; then echo "$1: '$2' changes nothing"; missed=$((missed + 1)); return; fi
  local out status=0
  out=$(test_it 2>&1) || status=$?
  if ((status != 1)) || ! grep -qF -- "$3" <<<"$out"; then
    printf "%s: '%s' was not noticed as '%s': status %d\n%s\n" "$1" "$2" "$3" "$status" "$out"
    missed=$((missed + 1))
  fi
}

mutant package.py 's/xxhash@0.8.1:/xxhash@0.8:/' "xxhash: CMake wants 0.8.1"
mutant package.py '/depends_on\("pcre2/d' "does not depend on it"
mutant package.py 's/depends_on\("git"\)/depends_on("git"); depends_on("snappy")/' "which CMake does not look for"
mutant package.py 's/, msg="C\+\+20[^"]*"//' "has no message"
mutant package.py 's/PST_WORKER", "worker"/PST_WORKERS", "worker"/' "which no CMake file knows"
mutant package.py 's/variant\("worker", default=True/variant("worker", default=False/' "another default than PST_WORKER"
mutant package.py 's/^    generator.*/&\n    variant("docs", default=False, description="pages")/' "changes nothing in CMake"
mutant package.py 's/py-torch@2.11:/py-torch@2.4:/' "tools/setup fetches"
mutant package.py 's/type="test"\)/type=("build", "link"))/' "only for the tests"
mutant package.py 's/_self_test\("doctor"\)/_self_test("doktor")/' "runs the parts"
mutant package.py 's/, 2\)\)\)$/, 1)))/; s/prefix_paths\[0\], 2\)/prefix_paths[0], 1)/' "not py-torch's folder"
mutant package.py 's/PST_CUDA", "cuda"/PST_WORKER", "cuda"/' "PST_CUDA"
mutant package.py 's/"CMAKE_CUDA_ARCHITECTURES", ";"/"CMAKE_CUDA_ARCHITECTURES", ","/' "cuda_arch does not decide"
mutant CMakeLists.txt 's/^option\(PST_BENCH/option(PST_GPU "GPU" OFF)\n&/' "PST_GPU"
mutant CMakeLists.txt 's/VERSION 3.25\)/VERSION 3.28)/' "cmake: CMakeLists.txt wants 3.28"
mutant cmake/PstDependencies.cmake 's/^find_package\(OpenSSL.*/&\nfind_package(Snappy REQUIRED)/' "Snappy is new"
mutant cmake/PstDependencies.cmake 's/yaml-cpp 0.7 QUIET/yaml-cpp 0.8 QUIET/' "yaml-cpp: CMake wants 0.8"
echo "$count changes, $missed not noticed"
((missed == 0))
