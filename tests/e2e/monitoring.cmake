# SPDX-License-Identifier: Apache-2.0
# With Debian's prometheus, where it is installed; skipped (77) where it is not.
if(PST_WORKER)
  find_program(PST_BASH bash REQUIRED)
  foreach(name monitoring monitoring_gpu)
    add_test(NAME e2e.${name} COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/${name}.sh ${CMAKE_BINARY_DIR}
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(e2e.${name} PROPERTIES LABELS e2e TIMEOUT 1500 SKIP_RETURN_CODE 77)
  endforeach()
endif()
