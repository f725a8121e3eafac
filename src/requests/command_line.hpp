// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

namespace CLI {
class App;
}

namespace pst::requests {

/// Reads the command line as `program` declares it; the same for both programs, so that a mistake gets the same words
/// and the same exit status from either.
/// @return the exit status where nothing is left to do: --help and --version, which it prints
/// @throws Error(usage) naming the mistake, for a mistyped command with the nearest one
std::optional<int> parse_command_line(CLI::App& program, int argc, char** argv);

/// `--time-limit SECONDS`, for work that may hang. @param seconds  its value stands as the default
void add_time_limit(CLI::App& app, double& seconds);

}  // namespace pst::requests
