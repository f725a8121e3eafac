# SPDX-License-Identifier: Apache-2.0
# The layers of cmake/PstModule.cmake, checked on what the sources really include: a header may be reachable by accident
# (a test's target, another module's include root), and must not be used all the same.
#   cmake -P includes_point_down.cmake, in the root of the repository
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/PstModule.cmake)

function(complain place problem)
  message("${place}: ${problem}")
  set_property(GLOBAL APPEND PROPERTY complaints ${place})
endfunction()

function(check_edge table place module dep)
  set_property(GLOBAL APPEND PROPERTY edges ${place})
  _pst_edge_problem(${table} ${module} ${dep} problem)
  if(problem)
    complain(${place} "${problem}")
  endif()
endfunction()

# check("src/nn/linear.cpp:7:#include <ATen/core/Tensor.h>")
function(check line)
  if(NOT line MATCHES "^((src/)?([a-z0-9_]+)/[^:]*:[0-9]+):#include ([\"<])(([^\">/]*)[^\">]*)")
    return()
  endif()
  set(place ${CMAKE_MATCH_1})
  set(module ${CMAKE_MATCH_3})
  set(bracket ${CMAKE_MATCH_4})
  set(header ${CMAKE_MATCH_5})
  set(dep ${CMAKE_MATCH_6})
  if(bracket STREQUAL "<")
    if(dep MATCHES "^(ATen|torch|c10)$" AND NOT _pst_module_${module}_TORCH)
      complain(${place} "'${module}' is above the line below which libtorch is visible")
    elseif(dep STREQUAL "mpi.h" AND NOT module STREQUAL "comm_mpi")
      complain(${place} "only 'comm_mpi' sees <mpi.h>")
    endif()
  elseif(NOT header STREQUAL "support/cuda_emulated.hpp")  # kernels for the GPU that tests play
    check_edge(_pst_module ${place} ${module} ${dep})
    if("${place} ${header}" MATCHES "^kernels/([a-z0-9_]+)/.* kernels/([a-z0-9_]+)/")
      check_edge(_pst_kernel ${place} ${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
    endif()
  endif()
endfunction()

execute_process(COMMAND grep -rnE "^#include ([\"<][A-Za-z0-9_]+/|<mpi\\.h)" src kernels
                        --include=*.hpp --include=*.cpp --include=*.cu --include=*.cuh
                OUTPUT_VARIABLE lines)
string(REPLACE "\n" ";" lines "${lines}")
foreach(line IN LISTS lines)
  check("${line}")
endforeach()

get_property(edges GLOBAL PROPERTY edges)
get_property(complaints GLOBAL PROPERTY complaints)
list(LENGTH edges count)
message("${count} includes of our own headers")
if(complaints OR count EQUAL 0)
  message(FATAL_ERROR "complaints as above, or this is not the root of the repository")
endif()
