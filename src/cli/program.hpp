// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace pst::cli {

/// Parses the command line, runs the one command that was named, prints any Error. @return the exit status
int run_program(int argc, char** argv);

}  // namespace pst::cli
