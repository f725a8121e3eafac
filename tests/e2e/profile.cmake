# SPDX-License-Identifier: Apache-2.0
if(PST_WORKER)
  find_program(PST_BASH bash REQUIRED)
  add_test(NAME e2e.profile COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/profile.sh ${CMAKE_BINARY_DIR} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(e2e.profile PROPERTIES LABELS e2e TIMEOUT 1500 RUN_SERIAL ON)  # it measures time
endif()
