# The command line by itself: commands that fail, and the way of a run with scripts in place of Slurm and the worker.
foreach(test cli_errors_test cli_run_test)
  pst_add_test(${test} SOURCES ${test}.cpp cli_workspace.cpp DEPS cluster rundir test_tiny_model LABELS quick e2e TIMEOUT 300)
  target_compile_definitions(${test} PRIVATE PST_PROGRAM="$<TARGET_FILE:peft-studio>")
  add_dependencies(${test} peft-studio)
endforeach()
