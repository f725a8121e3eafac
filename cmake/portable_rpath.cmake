# SPDX-License-Identifier: Apache-2.0
# Run by cpack between staging and packing: programs in a package look for libtorch beside themselves and nowhere else. The folder
# that it was found in at build time is of no use on another machine, and whoever can make it there could put a library into it.
file(GLOB_RECURSE programs ${CPACK_TEMPORARY_DIRECTORY}/*/peft-studio-worker ${CPACK_TEMPORARY_DIRECTORY}/peft-studio-worker)
foreach(program IN LISTS programs)
  file(RPATH_SET FILE ${program} NEW_RPATH "$ORIGIN/../lib/peft-studio/torch/lib")
endforeach()
