# SPDX-License-Identifier: Apache-2.0
# Sourced by tools/spack-check: the configuration of a Spack that touches nothing outside one folder and takes this machine's
# compilers, libraries, MPI and libtorch as they are. Wants: work (the folder), torch (a folder with include/ and lib/).

# "name@version" of what is installed here, by asking the thing itself.
_version_of() {
  case $1 in
    cmake | ninja | git | pkgconf) "$1" --version ;;
    openmpi) mpirun --version ;;
    utf8proc) sed -n 's/^#define UTF8PROC_VERSION_[A-Z]* //p' /usr/include/utf8proc.h | head -n 3 | paste -sd. ;;  # Debian's .pc is wrong
    cli11) cat /usr/share/cmake/CLI11/*Version.cmake | grep -m 1 PACKAGE_VERSION ;;                               # has no .pc there
    bzip2) bzip2 --help 2>&1 | head -n 1 ;;                                                                       # nor has bzip2
    *) pkg-config --modversion "$1" ;;
  esac 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1
}

# _external NAME VERSION [VARIANTS]: in /usr, and nothing else will do.
_external() {
  [[ -n $2 ]] || fail --status 69 --try "tools/setup" "$1 is not installed here, or does not tell its version"
  printf '  %s:\n    buildable: false\n    externals: [{ spec: "%s@%s%s", prefix: /usr }]\n' "$1" "$1" "$2" "${3:+ $3}"
}

# The wheel's libtorch as Spack's py-torch: a prefix that looks like a Python installation with torch in it.
_torch_prefix() {
  local site
  python_version=$("$python" -c 'import platform; print(platform.python_version())')
  torch_version=$(sed -nE 's/^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+)$/\2/p' "$torch/include/torch/headeronly/version.h" | paste -sd.)
  [[ -n $torch_version ]] || fail --status 69 "there is no version in $torch/include/torch/headeronly/version.h"
  site=$work/torch-prefix/lib/python${python_version%.*}/site-packages
  mkdir -p "$site" "$work/torch-prefix/bin"
  ln -sfn "$python" "$work/torch-prefix/bin/python3"
  ln -sfn python3 "$work/torch-prefix/bin/python"
  ln -sfn "$torch" "$site/torch"
  [[ ! -d $torch/../nvidia ]] || ln -sfn "$(cd "$torch/../nvidia" && pwd -P)" "$site/nvidia"
}

_packages_yaml() {
  local lib gcc_version
  lib=/usr/lib/$(gcc -dumpmachine)
  gcc_version=$(gcc -dumpfullversion)
  cat <<YAML
packages:
  all: { providers: { mpi: [openmpi] } }
  c: { require: [gcc] }
  cxx: { require: [gcc] }
  mpi: { require: [openmpi], buildable: false }
  gcc:
    buildable: false
    externals:
    - spec: "gcc@$gcc_version languages:=c,c++"
      prefix: /usr
      extra_attributes: { compilers: { c: $(command -v gcc), cxx: $(command -v g++) } }
  python:
    buildable: false
    externals: [{ spec: "python@$python_version", prefix: $work/torch-prefix, id: torch-python }]
  py-torch:
    buildable: false
    externals:
    - spec: "py-torch@$torch_version ~cuda"
      prefix: $work/torch-prefix
      dependencies: [{ id: torch-python, deptypes: [build, link, run] }]
YAML
  _external cmake "$(_version_of cmake)"
  _external ninja "$(_version_of ninja)"
  _external pkgconf "$(_version_of pkgconf)"
  _external git "$(_version_of git)"
  _external openmpi "$(_version_of openmpi)"
  _external yaml-cpp "$(_version_of yaml-cpp)"
  _external cli11 "$(_version_of cli11)"
  _external nlohmann-json "$(_version_of nlohmann_json)"
  _external openssl "$(_version_of libcrypto)"
  _external pcre2 "$(_version_of libpcre2-8)"
  _external utf8proc "$(_version_of utf8proc)"
  _external xxhash "$(_version_of libxxhash)"
  _external zlib "$(_version_of zlib)"
  _external bzip2 "$(_version_of bzip2)"
  _external xz "$(_version_of liblzma)"
  _external zstd "$(_version_of libzstd)"
  _external prometheus-cpp "$(_version_of prometheus-cpp-core)"
  _external hdf5 "$(_version_of hdf5)" "~mpi"
  _external googletest "$(_version_of gmock)" "+gmock"
}

# site_configuration: writes it, and points Spack's environment at it.
site_configuration() {
  local folder
  for folder in config user cache system; do mkdir -p "$work/$folder"; done
  _torch_prefix
  _packages_yaml >"$work/config/packages.yaml"
  cat >"$work/config/config.yaml" <<YAML
config:
  install_tree: { root: $work/store }
  build_stage:: [ $work/stage ]
  test_stage: $work/test
  source_cache: $work/source-cache
  misc_cache: $work/misc-cache
  build_jobs: $jobs
  ccache: $(command -v ccache >/dev/null && echo true || echo false)
YAML
  {
    echo "repos::"
    echo "  peft_studio: $source/tools/spack-repo/spack_repo/peft_studio"
    if [[ -n $packages ]]; then echo "  builtin: $packages/repos/spack_repo/builtin"; fi
  } >"$work/config/repos.yaml"
  if [[ -z $packages ]]; then sed -i 's/^repos::/repos:/' "$work/config/repos.yaml"; fi
  if [[ -n $mirror ]]; then
    printf 'mirrors::\n  local: "file://%s"\n' "$mirror" >"$work/config/mirrors.yaml"
    printf 'bootstrap:\n  enable: false\n' >"$work/config/bootstrap.yaml"
  fi
  export SPACK_USER_CONFIG_PATH=$work/user SPACK_USER_CACHE_PATH=$work/cache SPACK_SYSTEM_CONFIG_PATH=$work/system
  export SPACK_PYTHON=$python SPACK_COLOR=never
}
