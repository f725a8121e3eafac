// SPDX-License-Identifier: Apache-2.0
#include "cli/program.hpp"
#include "core/trust.hpp"

int main(int argc, char** argv) {
  pst::keep_from_others();
  return pst::cli::run_program(argc, argv);
}
