# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, and what `cpack` packs. Relocatable: nothing installed names the prefix. The worker looks for
# libtorch in lib/peft-studio/torch of its own prefix first, then where it was found at build time; a package has the first only.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS peft-studio EXPORT PeftStudioTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET peft-studio-worker)
  # libtorch's folder by name: CMake takes none that lies inside the sources, as .deps does, over from the link's.
  list(GET PST_TORCH_LIB_DIRS 0 _torch_lib)
  set_target_properties(peft-studio-worker PROPERTIES
    INSTALL_RPATH "$ORIGIN/../lib/peft-studio/torch/lib;${_torch_lib}" INSTALL_RPATH_USE_LINK_PATH TRUE)
  install(TARGETS peft-studio-worker EXPORT PeftStudioTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

if(TARGET pst_cuda)  # beside the worker, which looks for it from its own place
  install(TARGETS pst_cuda LIBRARY DESTINATION lib/peft-studio)
endif()

install(DIRECTORY configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/peft-studio)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN "*.png")
install(PROGRAMS packaging/self-test.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/peft-studio/tests)
install(FILES packaging/libtorch.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/peft-studio)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Completions and the manual page come out of the program itself.
set(_made ${CMAKE_BINARY_DIR}/shell)
file(MAKE_DIRECTORY ${_made})
add_custom_command(
  OUTPUT ${_made}/peft-studio.bash ${_made}/_peft-studio ${_made}/peft-studio.fish ${_made}/peft-studio.1
  COMMAND peft-studio completion bash > ${_made}/peft-studio.bash
  COMMAND peft-studio completion zsh > ${_made}/_peft-studio
  COMMAND peft-studio completion fish > ${_made}/peft-studio.fish
  COMMAND peft-studio completion man > ${_made}/peft-studio.1
  DEPENDS peft-studio VERBATIM)
add_custom_target(shell_files ALL DEPENDS ${_made}/peft-studio.1)
install(FILES ${_made}/peft-studio.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME peft-studio)
install(FILES ${_made}/_peft-studio DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${_made}/peft-studio.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${_made}/peft-studio.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

# For projects that call the programs: find_package(PeftStudio) gives PeftStudio::peft-studio, pkg-config gives their folder.
set(_package ${CMAKE_INSTALL_LIBDIR}/cmake/PeftStudio)
install(EXPORT PeftStudioTargets NAMESPACE PeftStudio:: DESTINATION ${_package})
configure_package_config_file(cmake/PeftStudioConfig.cmake.in ${CMAKE_BINARY_DIR}/PeftStudioConfig.cmake
                              INSTALL_DESTINATION ${_package})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/PeftStudioConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/PeftStudioConfig.cmake ${CMAKE_BINARY_DIR}/PeftStudioConfigVersion.cmake DESTINATION ${_package})
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig OUTPUT_VARIABLE _pc_to_prefix)
configure_file(cmake/peft-studio.pc.in ${CMAKE_BINARY_DIR}/peft-studio.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/peft-studio.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
configure_file(cmake/modulefile.lua.in ${CMAKE_BINARY_DIR}/peft-studio.lua @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/peft-studio.lua DESTINATION ${CMAKE_INSTALL_DATADIR}/peft-studio/modulefiles
        RENAME ${PROJECT_VERSION}.lua)

add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -P ${CMAKE_CURRENT_LIST_DIR}/uninstall.cmake
                  WORKING_DIRECTORY ${CMAKE_BINARY_DIR} VERBATIM)

set(CPACK_GENERATOR "TGZ;DEB")
set(CPACK_PACKAGE_NAME peft-studio)
set(CPACK_PACKAGE_VENDOR "PEFT Studio")
set(CPACK_PACKAGE_CONTACT "PEFT Studio <peft-studio@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/portable_rpath.cmake)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/package_prefix.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
if(PST_WORKER)  # libtorch, which no Debian package has in this version: docs/install.md says how the worker gets it
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PST_TORCH_LIB_DIRS})
  set(CPACK_DEBIAN_PACKAGE_DEPENDS openmpi-bin)  # MPI_Init of a single rank starts its orted, which no library depends on
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "slurm-client, curl")  # curl: webhooks of alerts
endif()
include(CPack)
