# SPDX-License-Identifier: Apache-2.0
# Every outside package, found once. `tools/setup` installs all of them; versions are Debian 12's, the oldest we test, unless a
# reason is given. package.py has the same ones (tests/package).
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(_pst_require package target debian)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "${package} was not found, or is too old (cmake/PstDependencies.cmake has the versions); run tools/setup, "
                        "or install ${debian} (Debian's name)")
  endif()
endfunction()

find_package(yaml-cpp 0.7 QUIET)
if(TARGET yaml-cpp AND NOT TARGET yaml-cpp::yaml-cpp)  # 0.7 has the plain name, 0.8 the qualified one
  add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
_pst_require(yaml-cpp yaml-cpp::yaml-cpp libyaml-cpp-dev)

find_package(CLI11 2.1.2 QUIET)
_pst_require(CLI11 CLI11::CLI11 libcli11-dev)
find_package(nlohmann_json 3.11 QUIET)
_pst_require(nlohmann-json nlohmann_json::nlohmann_json nlohmann-json3-dev)
find_package(OpenSSL 3 QUIET)
_pst_require(OpenSSL OpenSSL::Crypto libssl-dev)

pkg_check_modules(pcre2 QUIET IMPORTED_TARGET libpcre2-8>=10.40)
_pst_require(PCRE2 PkgConfig::pcre2 libpcre2-dev)
pkg_check_modules(utf8proc QUIET IMPORTED_TARGET libutf8proc>=2.6)  # its ABI's version: this is release 2.8
_pst_require(utf8proc PkgConfig::utf8proc libutf8proc-dev)
pkg_check_modules(xxhash QUIET IMPORTED_TARGET libxxhash>=0.8.1)
_pst_require(xxHash PkgConfig::xxhash libxxhash-dev)

find_package(ZLIB 1.2.11 QUIET)
_pst_require(zlib ZLIB::ZLIB zlib1g-dev)
find_package(BZip2 1.0.8 QUIET)
_pst_require(bzip2 BZip2::BZip2 libbz2-dev)
find_package(LibLZMA 5.2 QUIET)
_pst_require(xz LibLZMA::LibLZMA liblzma-dev)
pkg_check_modules(zstd QUIET IMPORTED_TARGET libzstd>=1.4.8)
_pst_require(zstd PkgConfig::zstd libzstd-dev)

pkg_check_modules(prometheus_cpp QUIET IMPORTED_TARGET prometheus-cpp-core>=1.0.1)
_pst_require(prometheus-cpp PkgConfig::prometheus_cpp prometheus-cpp-dev)

find_package(HDF5 1.10.5 COMPONENTS C QUIET)  # 1.10.5: H5Dget_chunk_info
_pst_require(HDF5 hdf5::hdf5 libhdf5-dev)

if(PST_TESTS)
  find_package(GTest 1.12 QUIET)
  _pst_require(GoogleTest GTest::gmock libgmock-dev)
endif()
if(PST_BENCH)
  find_package(benchmark QUIET)
  _pst_require("Google Benchmark" benchmark::benchmark libbenchmark-dev)
endif()

if(PST_WORKER)
  find_package(MPI COMPONENTS CXX QUIET)
  _pst_require("MPI" MPI::MPI_CXX libopenmpi-dev)
  find_package(OpenMP COMPONENTS CXX QUIET)
  _pst_require("OpenMP" OpenMP::OpenMP_CXX g++)
  find_program(PST_MPIRUN NAMES mpirun mpiexec)
  include(PstTorch)
endif()
