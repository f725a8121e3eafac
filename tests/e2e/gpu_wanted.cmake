# SPDX-License-Identifier: Apache-2.0
if(PST_WORKER)
  find_program(PST_BASH bash REQUIRED)
  add_test(NAME e2e.gpu_wanted COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/gpu_wanted.sh ${CMAKE_BINARY_DIR})
  set_tests_properties(e2e.gpu_wanted PROPERTIES LABELS "e2e;mpi" TIMEOUT 1500)
  add_test(NAME e2e.gpu_auto COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/gpu_auto.sh ${CMAKE_BINARY_DIR})
  set_tests_properties(e2e.gpu_auto PROPERTIES LABELS "e2e;mpi" TIMEOUT 1500)
endif()
