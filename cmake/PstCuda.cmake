# SPDX-License-Identifier: Apache-2.0
# The module for GPUs, libpst_cuda.so: kernels/**/*_cuda.cu and the CUDA runtime, linked statically. Programs open it when a recipe says
# train.device: cuda and link nothing of CUDA, so they are the same with and without it.
set(PST_CUDA AUTO CACHE STRING "Build libpst_cuda.so, the code for GPUs: ON, OFF, or AUTO: where there is an nvcc")
set_property(CACHE PST_CUDA PROPERTY STRINGS AUTO ON OFF)
# 80 A100, 86 RTX 30 and A40, 89 RTX 40 and L40, 90 H100 and H200, 100 B200. Code for an 80 runs on 86 and 89 as well.
set(PST_CUDA_ALL_ARCHITECTURES 80-real 86-real 89-real 90-real 100)

include(CheckLanguage)
set(PST_WITH_CUDA OFF)
if(PST_WORKER AND (PST_CUDA STREQUAL "AUTO" OR PST_CUDA))  # the worker is who opens it
  check_language(CUDA)
  set(_nvcc 0)
  if(CMAKE_CUDA_COMPILER)
    execute_process(COMMAND ${CMAKE_CUDA_COMPILER} --version OUTPUT_VARIABLE _said ERROR_QUIET)
    string(REGEX MATCH "release ([0-9.]+)" _nvcc "${_said}")
    set(_nvcc "${CMAKE_MATCH_1}")
  endif()
  if(_nvcc VERSION_GREATER_EQUAL 12.8)  # the first that knows 100; 13.0 is what is tested
    set(PST_WITH_CUDA ON)
  elseif(PST_CUDA STREQUAL "AUTO")
    message(STATUS "libpst_cuda.so, the code for GPUs, is not built: there is no nvcc 12.8 or newer")
  else()
    message(FATAL_ERROR "PST_CUDA is ON, and there is no nvcc 12.8 or newer: put one into PATH or give -DCMAKE_CUDA_COMPILER=<path>, "
                        "or use -DPST_CUDA=OFF")
  endif()
endif()

if(PST_WITH_CUDA)
  if(NOT CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${PST_CUDA_ALL_ARCHITECTURES} CACHE STRING "What libpst_cuda.so has code for, in CMake's notation")
  endif()
  if(PST_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${PST_COMPILER_LAUNCHER})
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc 12 and later have C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  endif()
  message(STATUS "libpst_cuda.so: nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
endif()

# Attention by cuDNN takes headers only: cuDNN's own, and those of NVIDIA's cudnn-frontend, which tools/setup fetches. The library is
# opened at run time, where libtorch has brought it along.
set(PST_WITH_CUDNN OFF)
if(PST_WITH_CUDA)
  find_path(PST_CUDNN_FRONTEND_INCLUDE cudnn_frontend.h PATHS ${PROJECT_SOURCE_DIR}/.deps/cudnn-frontend/include
    DOC "Folder of cudnn_frontend.h (1.16 is what is tested)")
  find_path(PST_CUDNN_INCLUDE NAMES cudnn.h PATHS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} ${PST_TORCH_INCLUDE}/../../nvidia/cudnn/include
    DOC "Folder of cudnn.h, 9.19 or newer")
  set(_cudnn 0)
  if(EXISTS "${PST_CUDNN_INCLUDE}/cudnn_version.h")
    file(STRINGS ${PST_CUDNN_INCLUDE}/cudnn_version.h _said REGEX "define CUDNN_(MAJOR|MINOR) ")
    string(REGEX REPLACE "[^0-9]+" "." _cudnn "${_said}")  # .9.19
    string(REGEX MATCH "[0-9]+.[0-9]+" _cudnn "${_cudnn}")
  endif()
  if(PST_CUDNN_FRONTEND_INCLUDE AND _cudnn VERSION_GREATER_EQUAL 9.19 AND _cudnn VERSION_LESS 10)
    set(PST_WITH_CUDNN ON)
    message(STATUS "libpst_cuda.so: attention by cuDNN, with the headers of ${_cudnn}")
  elseif(NOT PST_CUDNN_FRONTEND_INCLUDE)
    message(STATUS "libpst_cuda.so: no attention by cuDNN: there is no cudnn_frontend.h; tools/setup fetches it, or give -DPST_CUDNN_FRONTEND_INCLUDE=<folder>")
  else()
    message(STATUS "libpst_cuda.so: no attention by cuDNN: there is no cudnn.h of version 9.19 or newer; give -DPST_CUDNN_INCLUDE=<folder>")
  endif()
endif()

# pst_add_cuda_module(SOURCES ...): made in kernels/, where the sources are.
function(pst_add_cuda_module)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  add_library(pst_cuda MODULE ${arg_SOURCES})
  set_target_properties(pst_cuda PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/peft-studio CUDA_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
  target_include_directories(pst_cuda PRIVATE ${CMAKE_BINARY_DIR}/include-roots/kernels ${CMAKE_BINARY_DIR}/include-roots/core)
  string(REPLACE ";" " " built_for "${CMAKE_CUDA_ARCHITECTURES}")
  target_compile_definitions(pst_cuda PRIVATE "PST_CUDA_BUILT_FOR=\"${built_for}\"")
  target_compile_options(pst_cuda PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow;--threads=1>"
    "$<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${PST_WARNINGS_AS_ERRORS}>>:-Werror=all-warnings;-Xcompiler=-Werror>"
    "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow>"
    "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${PST_WARNINGS_AS_ERRORS}>>:-Werror>")
  target_include_directories(pst_cuda SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})  # for its C++ sources
  if(PST_WITH_CUDNN)
    target_compile_definitions(pst_cuda PRIVATE PST_WITH_CUDNN)
    target_include_directories(pst_cuda SYSTEM PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${PST_CUDNN_FRONTEND_INCLUDE};${PST_CUDNN_INCLUDE}>")
  endif()
  set(exported ${PROJECT_SOURCE_DIR}/kernels/cuda/exported.map)
  target_link_options(pst_cuda PRIVATE LINKER:--no-undefined LINKER:--exclude-libs,ALL LINKER:--version-script=${exported})
  set_target_properties(pst_cuda PROPERTIES LINK_DEPENDS ${exported})
endfunction()
