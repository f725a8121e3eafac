// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"
#include "core/standard_streams.hpp"
#include "core/trust.hpp"

int main(int argc, char** argv) {
  const pst::StandardStreams streams;
  pst::keep_from_others();
  return pst::cli::run_program(argc, argv);
}
