# SPDX-License-Identifier: Apache-2.0
# Read by cpack for each of its generators: a deb goes to /usr, a tar is unpacked anywhere.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
else()
  set(CPACK_PACKAGING_INSTALL_PREFIX /)
endif()
