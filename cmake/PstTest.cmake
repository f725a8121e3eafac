# SPDX-License-Identifier: Apache-2.0
# "source_tree.hpp" tells tests where the checkout is. A header and not a definition of every test: then the compiler's cache serves all
# checkouts of a machine but for the few sources that ask.
set(PST_SOURCE_TREE_ROOT ${CMAKE_BINARY_DIR}/include-roots/source_tree)
file(CONFIGURE OUTPUT ${PST_SOURCE_TREE_ROOT}/source_tree.hpp @ONLY CONTENT [[#pragma once
#define PST_SOURCE_DIR "@PROJECT_SOURCE_DIR@"
]])

# pst_add_test(name SOURCES ... [DEPS modules...] [EXTERNAL ...] [LABELS ...] [RANKS 1 2 4] [TIMEOUT seconds] [TORCH])
#   One GoogleTest program. Without RANKS: one ctest entry. With RANKS: one entry per count, under mpirun.
#   Label `quick` is the default.
function(pst_add_test name)
  cmake_parse_arguments(arg "TORCH" "TIMEOUT" "SOURCES;DEPS;EXTERNAL;LABELS;RANKS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS quick)
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests ${PST_SOURCE_TREE_ROOT})
  target_link_libraries(${name} PRIVATE pst_flags ${arg_EXTERNAL})
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(${name} PRIVATE pst::${dep})
  endforeach()
  if(arg_TORCH)
    target_link_libraries(${name} PRIVATE pst::torch)
    pst_use_torch_pch(${name})
  endif()

  if(arg_RANKS)
    target_link_libraries(${name} PRIVATE GTest::gmock)
    foreach(ranks IN LISTS arg_RANKS)
      add_test(NAME ${name}.ranks${ranks}
               COMMAND ${PST_MPIRUN} --allow-run-as-root --oversubscribe -n ${ranks} $<TARGET_FILE:${name}>)
      set_tests_properties(${name}.ranks${ranks} PROPERTIES LABELS "mpi;${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
                           ENVIRONMENT "OMP_NUM_THREADS=1;OMPI_MCA_btl=self,vader,tcp;OMPI_MCA_btl_tcp_if_include=lo;OMPI_MCA_oob_tcp_if_include=lo")
    endforeach()
  else()
    target_link_libraries(${name} PRIVATE GTest::gmock_main)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  endif()
endfunction()
