# SPDX-License-Identifier: Apache-2.0
add_test(NAME e2e.fault_campaign
         COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/fault_campaign.sh ${CMAKE_BINARY_DIR}
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set_tests_properties(e2e.fault_campaign PROPERTIES LABELS "e2e;cluster" SKIP_RETURN_CODE 77 TIMEOUT 1500
                     RESOURCE_LOCK local_cluster)
