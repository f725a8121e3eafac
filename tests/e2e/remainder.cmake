# SPDX-License-Identifier: Apache-2.0
if(PST_WORKER)
  find_program(PST_BASH bash REQUIRED)
  add_test(NAME e2e.remainder COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/remainder.sh ${CMAKE_BINARY_DIR})
  set_tests_properties(e2e.remainder PROPERTIES LABELS "e2e;mpi" TIMEOUT 1500 PROCESSORS 2)
endif()
