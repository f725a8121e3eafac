# SPDX-License-Identifier: Apache-2.0
if(PST_WORKER)
  find_program(PST_BASH bash REQUIRED)
  add_test(NAME e2e.kill_moments COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/kill_moments.sh ${CMAKE_BINARY_DIR} 20)
  set_tests_properties(e2e.kill_moments PROPERTIES LABELS e2e TIMEOUT 1500)
endif()
