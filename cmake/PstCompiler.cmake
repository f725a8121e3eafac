# SPDX-License-Identifier: Apache-2.0
# One place for everything that decides how our sources are compiled.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release or RelWithDebInfo" FORCE)
endif()

# The cache serves every checkout of a machine: paths inside of one are hashed relative to it. Precompiled headers carry time stamps;
# without the sloppiness no source that uses one would ever be found. The compiler gets all this from its launcher, because what CMake
# has in its environment is gone when Ninja runs.
find_program(PST_CCACHE ccache)
if(PST_CCACHE)
  set(PST_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${PST_CCACHE})
  if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${PST_COMPILER_LAUNCHER})
  endif()
endif()

# Everything of ours links this; nothing of anybody else's does.
add_library(pst_flags INTERFACE)
target_compile_options(pst_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual
  -Wno-missing-field-initializers  # designated initialisers name the fields they mean
  "$<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>"  # false in GCC 12: std::string (PR 105329), std::optional (PR 80635)
  $<$<BOOL:${PST_WARNINGS_AS_ERRORS}>:-Werror>)

set(PST_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined")
if(PST_SANITIZE)
  add_compile_options(-fsanitize=${PST_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)  # an index behind a vector's end, though within its capacity
  add_link_options(-fsanitize=${PST_SANITIZE})
endif()
