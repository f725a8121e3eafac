#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs are started by cluster/capture and cluster/child alone, which choose the environment of Slurm's commands
# (config/slurm_variables); runs/exec_worker becomes the worker.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"
count=0
while IFS= read -r file; do
  count=$((count + 1))
  case $file in src/cluster/capture.cpp | src/cluster/child.cpp | src/runs/exec_worker.cpp) continue ;; esac
  while IFS=: read -r line text; do
    complain "$file:$line: starts a program past src/cluster/capture.hpp and child.hpp: $text"
  done < <(grep -nE '\b(execve?|execvp?e?|execl[pe]?|posix_spawnp?|popen|vfork|fork|system) ?\(' "$file" | grep -v '///\|//' || true)
done < <(find src -name '*.cpp' -o -name '*.hpp' | sort)
finish "$count" "sources"
