// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

/// Slurm's commands take options from environment variables, which win over the script's directives and change what is
/// printed. Which of them a command that we call gets to see is decided here and nowhere else.
namespace pst::config {

/// Whether `program` (a name or a path), started by us, is given the variable. A command of Slurm that asks or submits
/// gets those that say where Slurm is, and no other of Slurm's. srun, and launchers that call it, keep what Slurm has
/// told the job besides; options of the user's shell they do not get. Any other program gets everything.
bool is_given(std::string_view program, std::string_view variable);

/// Whether it says which Slurm is asked: SLURM_CONF, SLURM_CLUSTERS, ...
bool is_address_of_slurm(std::string_view variable);

/// Names among `environment` ("NAME=value") that some command of Slurm would have taken for an option, sorted.
std::vector<std::string> withheld_options(const std::vector<std::string>& environment);

}  // namespace pst::config
