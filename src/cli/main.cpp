// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"
#include "core/standard_streams.hpp"

int main(int argc, char** argv) {
  const pst::StandardStreams streams;
  return pst::cli::run_program(argc, argv);
}
