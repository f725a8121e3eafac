# SPDX-License-Identifier: Apache-2.0
# libtorch, CPU part only: targets made by hand, because the wheel's own package file insists on a CUDA toolkit.
# Looked for in this order: -DPST_TORCH_ROOT=<folder named torch with include/ and lib/>, $PST_TORCH_ROOT, .deps/site/torch
# (made by tools/setup), a Torch_DIR as Spack's py-torch exports it.
set(_roots ${PST_TORCH_ROOT} $ENV{PST_TORCH_ROOT} ${PROJECT_SOURCE_DIR}/.deps/site/torch)
if(Torch_DIR)
  list(APPEND _roots ${Torch_DIR}/../../..)
endif()
find_path(PST_TORCH_INCLUDE ATen/core/Tensor.h PATHS ${_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_library(PST_TORCH_CPU_LIBRARY torch_cpu PATHS ${_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(PST_TORCH_C10_LIBRARY c10 PATHS ${_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
if(NOT PST_TORCH_INCLUDE OR NOT PST_TORCH_CPU_LIBRARY OR NOT PST_TORCH_C10_LIBRARY)
  message(FATAL_ERROR "libtorch was not found in: ${_roots}; run tools/setup, or give -DPST_TORCH_ROOT=<folder>, or build "
                      "peft-studio alone with -DPST_WORKER=OFF")
endif()
cmake_path(GET PST_TORCH_CPU_LIBRARY PARENT_PATH _torch_lib)

add_library(pst_torch INTERFACE)
add_library(pst::torch ALIAS pst_torch)
target_include_directories(pst_torch SYSTEM INTERFACE ${PST_TORCH_INCLUDE})
target_link_libraries(pst_torch INTERFACE ${PST_TORCH_CPU_LIBRARY} ${PST_TORCH_C10_LIBRARY})
# at::parallel_for is a template: without OpenMP in the source that uses it, it is a loop on one thread, and says nothing.
target_link_libraries(pst_torch INTERFACE OpenMP::OpenMP_CXX)
# The wheel's libtorch_cpu needs libcudart and libcupti; it finds them by its own rpath at run time, the linker does not.
file(GLOB _nvidia_libs LIST_DIRECTORIES true ${_torch_lib}/../../nvidia/*/lib)
foreach(dir ${_torch_lib} ${_nvidia_libs})
  target_link_options(pst_torch INTERFACE "LINKER:-rpath-link,${dir}")
endforeach()
set(PST_TORCH_LIB_DIRS ${_torch_lib} ${_nvidia_libs})  # for packing

# One precompiled header for every torch source: it turns 14 s of autograd headers into one.
add_library(pst_torch_pch STATIC ${PROJECT_SOURCE_DIR}/cmake/torch_pch.cpp)
target_link_libraries(pst_torch_pch PRIVATE pst_flags pst::torch)
target_precompile_headers(pst_torch_pch PRIVATE
  <torch/csrc/autograd/custom_function.h> <ATen/core/Tensor.h> <ATen/Parallel.h> <memory> <string> <vector>)

function(pst_use_torch_pch target)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")  # a precompiled header is used only where -fPIC agrees
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
  endif()
  target_precompile_headers(${target} REUSE_FROM pst_torch_pch)
endfunction()
