# SPDX-License-Identifier: Apache-2.0
find_program(PST_BASH bash REQUIRED)
add_test(NAME e2e.two_users COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/two_users.sh ${CMAKE_BINARY_DIR}
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set_tests_properties(e2e.two_users PROPERTIES LABELS e2e TIMEOUT 300 SKIP_RETURN_CODE 77)
