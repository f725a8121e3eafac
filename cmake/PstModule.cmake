# SPDX-License-Identifier: Apache-2.0
# The layers of docs/design.md. A module may use modules of lower layers only: siblings never meet.
# A folder that is not listed here cannot be a module, so a new one is a decision and not an accident.
set(PST_LAYERS
  "core version"
  "json"
  "kernels config telemetry comm doctor weights jinja tokenizer heartbeat"
  "recipe importers site comm_mpi comm_nccl gguf lowbit rundir checkpoint"
  "data cluster plan report"
  "monitor"
  "cli"
  "ops"
  "nn"
  "model peft quant parallel"
  "train infer"
  "app")

function(_pst_layer_of module out)
  set(level 0)
  foreach(layer IN LISTS PST_LAYERS)
    separate_arguments(names UNIX_COMMAND "${layer}")
    if(module IN_LIST names)
      set(${out} ${level} PARENT_SCOPE)
      return()
    endif()
    math(EXPR level "${level} + 1")
  endforeach()
  message(FATAL_ERROR "module '${module}' is in no layer: add it to PST_LAYERS in cmake/PstModule.cmake")
endfunction()

function(_pst_check_edge module dep)
  _pst_layer_of(${module} from)
  _pst_layer_of(${dep} to)
  if(NOT to LESS from)
    message(FATAL_ERROR "module '${module}' (layer ${from}) may not use '${dep}' (layer ${to}): "
                        "an edge must point to a lower layer; move the shared part down instead")
  endif()
  if(module STREQUAL "app" AND dep STREQUAL "cli")
    message(FATAL_ERROR "the worker ('app') may not use the 'cli'")
  endif()
endfunction()

# pst_add_module(name SOURCES ... [DEPS modules...] [EXTERNAL libraries...] [EXTERNAL_PUBLIC libraries...] [TORCH])
#   DEPS             public: their headers may be included by ours
#   EXTERNAL         private: their headers cannot leak through ours
#   EXTERNAL_PUBLIC  where one of our headers has to name them
#   TORCH            shares the precompiled header of the torch layers
# Each module has an include root of its own holding only itself, so `#include "comm/..."` compiles only in a target
# that lists `comm`.
function(pst_add_module name)
  cmake_parse_arguments(arg "TORCH" "SOURCE_DIR" "SOURCES;DEPS;EXTERNAL;EXTERNAL_PUBLIC" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "pst_add_module(${name}): what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  if(NOT arg_SOURCE_DIR)
    set(arg_SOURCE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  _pst_layer_of(${name} level)

  set(root ${CMAKE_BINARY_DIR}/include-roots/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${arg_SOURCE_DIR} ${root}/${name} SYMBOLIC)

  add_library(pst_${name} STATIC ${arg_SOURCES})
  add_library(pst::${name} ALIAS pst_${name})
  target_include_directories(pst_${name} PUBLIC ${root})
  target_link_libraries(pst_${name} PRIVATE pst_flags)
  foreach(dep IN LISTS arg_DEPS)
    _pst_check_edge(${name} ${dep})
    target_link_libraries(pst_${name} PUBLIC pst::${dep})
  endforeach()
  target_link_libraries(pst_${name} PRIVATE ${arg_EXTERNAL} PUBLIC ${arg_EXTERNAL_PUBLIC})
  if(arg_TORCH)
    target_link_libraries(pst_${name} PRIVATE pst::torch)
    pst_use_torch_pch(pst_${name})
  endif()
endfunction()

# pst_add_program(name SOURCES ... DEPS modules... [EXTERNAL ...])
function(pst_add_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;EXTERNAL" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE pst_flags ${arg_EXTERNAL})
  foreach(dep IN LISTS arg_DEPS)
    target_link_libraries(${name} PRIVATE pst::${dep})
  endforeach()
endfunction()
