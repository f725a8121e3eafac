# SPDX-License-Identifier: Apache-2.0
# pst_add_module refuses an edge that points upwards or to a sibling. Run by `cmake -P`; the calls that must fail run in a
# CMake of their own, since FATAL_ERROR ends the script.
cmake_minimum_required(VERSION 3.25)
set(module_file ${CMAKE_CURRENT_LIST_DIR}/../../cmake/PstModule.cmake)
if(EDGE)
  include(${module_file})
  string(REPLACE ">" ";" ends ${EDGE})
  _pst_check_edge(${ends})
  return()
endif()

function(expect edge result_regex message_regex)
  execute_process(COMMAND ${CMAKE_COMMAND} -DEDGE=${edge} -P ${CMAKE_CURRENT_LIST_FILE}
                  RESULT_VARIABLE result ERROR_VARIABLE error OUTPUT_QUIET)
  string(REGEX REPLACE "[ \n]+" " " error "${error}")
  if(NOT result MATCHES "${result_regex}" OR NOT error MATCHES "${message_regex}")
    message(SEND_ERROR "edge ${edge}: status ${result}, message '${error}'")
  endif()
endfunction()

expect("recipe>config" "^0$" "")
expect("config>recipe" "^1$" "an edge must point to a lower layer")
expect("model>peft" "^1$" "an edge must point to a lower layer")
expect("app>cli" "^1$" "may not use the 'cli'")
expect("nowhere>core" "^1$" "is in no layer")
