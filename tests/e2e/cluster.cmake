# SPDX-License-Identifier: Apache-2.0
# On a true Slurm: tools/local-cluster, one for each test, four nodes. Where it cannot be made (neither root nor user
# namespaces) a test says why and is skipped (77), which ctest reports as such.
find_program(PST_BASH bash REQUIRED)
function(pst_cluster_test name)
  add_test(NAME e2e.cluster_${name}
           COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/cluster_${name}.sh ${CMAKE_BINARY_DIR}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  # One cluster at a time, beside tests that need none.
  set_tests_properties(e2e.cluster_${name} PROPERTIES LABELS "e2e;cluster" SKIP_RETURN_CODE 77 TIMEOUT 1500
                       RESOURCE_LOCK local_cluster)
endfunction()

pst_cluster_test(comes_and_goes)
add_test(NAME e2e.sites_accepted COMMAND ${PST_BASH} ${CMAKE_CURRENT_SOURCE_DIR}/sites_accepted.sh ${CMAKE_BINARY_DIR}
         WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
set_tests_properties(e2e.sites_accepted PROPERTIES LABELS "e2e;cluster" SKIP_RETURN_CODE 77 TIMEOUT 1500 RESOURCE_LOCK local_cluster)
if(PST_WORKER)
  pst_cluster_test(trains)
  pst_cluster_test(alerts)
  pst_cluster_test(profile)
  pst_cluster_test(cancel)
  pst_cluster_test(wrong_mpi)
  pst_cluster_test(unfit)
  pst_cluster_test(rank_killed)
  pst_cluster_test(spare)
  pst_cluster_test(spare_dead)
  pst_cluster_test(shrink)
  pst_cluster_test(pause)
  pst_cluster_test(batch_host)
  pst_cluster_test(site)
  pst_cluster_test(stepd_killed)
  pst_cluster_test(preempted)
  pst_cluster_test(sweep)
  pst_cluster_test(sweep_pause)
  pst_cluster_test(after)
  pst_cluster_test(chain)
  pst_cluster_test(chain_pause)
  pst_cluster_test(time_limit)
  # Slurm's time limits are whole minutes, and it looks at them once a minute. tools/run-tests leaves these two out, unless asked: the
  # two above go the same way but for the sender of the warning.
  foreach(name time_limit_slow chain_slow)
    pst_cluster_test(${name})
    set_tests_properties(e2e.cluster_${name} PROPERTIES LABELS "e2e;cluster;slow" TIMEOUT 1500)
  endforeach()
  pst_cluster_test(straggler)
  set_tests_properties(e2e.cluster_straggler PROPERTIES RUN_SERIAL ON)  # it measures time
endif()
