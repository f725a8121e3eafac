# SPDX-License-Identifier: Apache-2.0
# The layers, from the lowest up: this table is the one place that says who may know whom. A module may use modules of
# lower layers only, siblings never meet, and of the lower ones only what its row names: layers or single modules.
# A folder that is not listed here cannot be a module, so a new one is a decision and not an accident.
set(PST_LAYERS
  # layer     | modules                                 | may use
  "core       | core version                            |"
  "json       | json regex                              | core"
  "basics     | kernels comm                            | core"
  "basics     | config doctor heartbeat jinja           | core json"
  "basics     | telemetry tokenizer weights             | core json"
  "basics     | requests                                | core"
  "ranks      | comm_mpi comm_nccl                      | core comm"  # so that MPI never gets into peft-studio
  "kinds      | families methods                        | core json config kernels tokenizer weights"  # the names of activations
  "readers    | datafiles                               | core json config jinja"
  "files      | recipe                                  | core json config telemetry weights kinds datafiles"
  "files      | importers site                          | core json config"
  "files      | gguf                                    | core json kernels tokenizer weights kinds"
  "files      | lowbit                                  | core json kernels weights kinds"
  "files      | checkpoint                              | core json weights"
  "files      | rundir                                  | core json telemetry"
  "work       | adapters                                | core json weights kinds recipe gguf"
  "work       | data                                    | core json config jinja tokenizer families datafiles recipe"
  "work       | cluster                                 | core json config heartbeat requests recipe rundir site"
  "work       | plan                                    | core json kernels comm weights kinds recipe site checkpoint lowbit"
  "work       | report                                  | core json telemetry recipe rundir"
  "checks     | datarules                               | core json config tokenizer datafiles recipe data report"
  "commands   | monitor                                 | core json heartbeat telemetry recipe rundir cluster report"
  "commands   | runs serve                              | core json basics kinds readers files work"
  "commands   | console                                 | core cluster"
  "cli        | cli                                     | core json basics kinds readers files work checks commands"
  "------------ libtorch is visible only below this line ------------"
  "ops        | ops                                     | core kernels"
  "nn         | nn                                      | core kernels weights ops"
  "parts      | model                                   | core kernels weights families ops nn"
  "parts      | peft                                    | core json kernels weights kinds recipe ops nn"
  "parts      | quant                                   | core kernels weights lowbit ops nn"
  "parallel   | parallel                                | core kernels comm recipe ops nn"
  "infer      | infer                                   | core kernels tokenizer data ops nn"
  "objective  | objective                               | core kernels recipe data ops nn infer"
  "optim      | optim                                   | core kernels recipe ops nn parallel"
  "train      | train                                   | core json kernels comm telemetry recipe checkpoint data ops nn parallel infer objective optim"
  "app        | app                                     | core json basics ranks kinds files work requests ops nn parts parallel infer objective optim train")

# The same for the folders of kernels/. An operation, which is any folder not named here, stands alone.
set(PST_KERNEL_LAYERS
  "cuda       | cuda                                    |"
  "detail     | detail                                  | cuda"
  "operations | * reduce                                | cuda detail"
  "composed   | attention                               | cuda detail reduce")

# Reads a table into <prefix>_<module>_{LEVEL,LAYER,USES,TORCH}. A row that names what is not lower ends the configuration.
macro(_pst_read_layers prefix)
  set(_level -1)
  set(_torch OFF)
  set(_last "")
  set(_lower "")  # layers and modules below the row's own layer
  set(_same "")
  foreach(_row ${ARGN})
    if(_row MATCHES "^---")
      set(_torch ON)
      continue()
    endif()
    if(NOT _row MATCHES "^ *([a-z_]+) *\\|([^|]*)\\|([^|]*)$")
      message(FATAL_ERROR "cmake/PstModule.cmake: a row is 'layer | modules | may use', not '${_row}'")
    endif()
    set(_layer ${CMAKE_MATCH_1})
    separate_arguments(_modules UNIX_COMMAND "${CMAKE_MATCH_2}")
    separate_arguments(_named UNIX_COMMAND "${CMAKE_MATCH_3}")
    if(NOT _layer STREQUAL _last)
      math(EXPR _level "${_level} + 1")
      list(APPEND _lower ${_same})
      set(_same ${_layer})
      set(_last ${_layer})
      set(${prefix}_layer_${_layer} "")
    endif()
    set(_uses "")
    foreach(_name IN LISTS _named)
      if(NOT _name IN_LIST _lower)
        message(FATAL_ERROR "cmake/PstModule.cmake: '${_modules}' may not use '${_name}': it is in no lower layer")
      endif()
      if(DEFINED ${prefix}_layer_${_name})
        list(APPEND _uses ${${prefix}_layer_${_name}})
      else()
        list(APPEND _uses ${_name})
      endif()
    endforeach()
    list(APPEND _same ${_modules})
    list(APPEND ${prefix}_layer_${_layer} ${_modules})
    foreach(_module IN LISTS _modules)
      set(${prefix}_${_module}_LEVEL ${_level})
      set(${prefix}_${_module}_LAYER ${_layer})
      set(${prefix}_${_module}_USES ${_uses})
      set(${prefix}_${_module}_TORCH ${_torch})
    endforeach()
  endforeach()
endmacro()
_pst_read_layers(_pst_module ${PST_LAYERS})
_pst_read_layers(_pst_kernel ${PST_KERNEL_LAYERS})

# Why the table does not let `module` use `dep`; "" when it does.
function(_pst_edge_problem prefix module dep out)
  foreach(name IN ITEMS module dep)
    set(row_of_${name} ${prefix}_${${name}})
    if(NOT DEFINED ${row_of_${name}}_LEVEL)
      set(row_of_${name} ${prefix}_*)
    endif()
    if(NOT DEFINED ${row_of_${name}}_LEVEL)
      set(${out} "'${${name}}' is in no layer: add it to PST_LAYERS in cmake/PstModule.cmake" PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(from ${${row_of_module}_LEVEL})
  set(to ${${row_of_dep}_LEVEL})
  set(ends "'${module}' (layer ${${row_of_module}_LAYER}) may not use '${dep}' (layer ${${row_of_dep}_LAYER})")
  set(problem "")
  if(module STREQUAL dep)
  elseif(from EQUAL to)
    set(problem "${ends}: siblings never meet; move what both need to a lower layer")
  elseif(${row_of_dep}_TORCH AND NOT ${row_of_module}_TORCH)
    set(problem "${ends}: libtorch is visible only from there on")
  elseif(from LESS to)
    set(problem "${ends}: an edge points to a lower layer; move what both need there")
  elseif(NOT dep IN_LIST ${row_of_module}_USES)
    string(REPLACE ";" " " uses "${${row_of_module}_USES}")
    set(problem "${ends}, a lower layer, but not among what its row in PST_LAYERS names: ${uses}")
  endif()
  set(${out} "${problem}" PARENT_SCOPE)
endfunction()

function(_pst_check_edge module dep)
  _pst_edge_problem(_pst_module ${module} ${dep} problem)
  if(problem)
    message(FATAL_ERROR "${problem}")
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
  _pst_check_edge(${name} ${name})
  if(NOT _pst_module_${name}_TORCH AND (arg_TORCH OR "${arg_EXTERNAL};${arg_EXTERNAL_PUBLIC}" MATCHES "torch"))
    message(FATAL_ERROR "'${name}' may not use libtorch: its row in PST_LAYERS is above the line")
  endif()

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
