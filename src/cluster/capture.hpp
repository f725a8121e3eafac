// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace pst::cluster {

/// A short command whose words we want: sbatch, squeue, scancel, git.
struct Command {
  std::vector<std::string> argv;    ///< argv[0] is looked up on PATH; no shell ever sees any of it
  std::string remedy_when_missing;  ///< what a user without the program can do
  double timeout_s = 60;
  std::size_t max_output = 1 << 20;              ///< of each stream; the rest is read and dropped
  std::map<std::string, std::string> variables;  ///< put into its environment, in place of what is there
  std::string input;                             ///< what it reads from standard input
};

struct Captured {
  int status = 0;  ///< exit status; 128 + signal when one ended it
  std::string out, err;
  /// The trimmed standard error, or output when that is empty, cut to a length fit for a message.
  std::string words() const;
};

/// Runs it to its end, with our environment; a command of Slurm with what config::is_given leaves of it.
/// @throws Error(unfit) when the program is missing; Error(transient) when it takes longer than timeout_s (it is
/// killed)
Captured capture(const Command& command);

}  // namespace pst::cluster
