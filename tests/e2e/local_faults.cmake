# SPDX-License-Identifier: Apache-2.0
if(PST_WORKER)
  find_program(PST_BASH bash REQUIRED)
  add_test(NAME e2e.local_faults COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/local_faults.sh ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  add_test(NAME e2e.long_steps COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/long_steps.sh ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(e2e.local_faults e2e.long_steps PROPERTIES LABELS e2e TIMEOUT 1500)
endif()
