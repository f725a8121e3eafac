#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is printed goes through std::cout and std::cerr, where main() has put a PrintableBuffer
# (core/standard_streams.hpp): stdio and write(2) go past it.
source "$(dirname -- "${BASH_SOURCE[0]}")/check.sh"

# Past it, and why: lines of this program's own for the terminal, each made printable; signal handlers and threads
# that end the process, with text of their own.
past='src/console/screen.cpp src/core/crash.cpp src/core/cut_maps.cpp src/core/time_limit.cpp
  src/heartbeat/sender.cpp src/heartbeat/stacks.cpp'
print='(printf|fputs|fputc|puts|fwrite|putchar|perror) *\(.*(stdout|stderr)|\<(std::)?(printf|puts|putchar|perror)\(|'
print+='::write\((1|2|STDOUT_FILENO|STDERR_FILENO)\>'

count=0
while read -r file; do
  count=$((count + 1))
  if grep -qw -- "$file" <<<"$past"; then continue; fi
  while IFS= read -r line; do complain "$file:$line: prints past the sanitiser; use std::cout or std::cerr"; done \
    < <(grep -nE -- "$print" "$file" || true)
done < <(find src kernels -name '*.cpp' -o -name '*.hpp' -o -name '*.cu' | sort)

# A main() without it sanitises nothing.
for main in $(grep -lE '^int main\(' -r src); do
  if ! grep -q StandardStreams "$main"; then complain "$main:0: main() makes no StandardStreams"; fi
done
finish "$count" "sources"
