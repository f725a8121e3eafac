// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pst::cluster {

/// Where the shell would find `program`: itself when it holds a slash, else the first executable of that name on PATH.
std::optional<std::filesystem::path> find_program(const std::string& program);

/// The same. @param remedy  what a user without it can do
/// @throws Error(unfit) "sbatch was not found on PATH"
std::filesystem::path require_program(const std::string& program, const std::string& remedy);

/// Open MPI's mpirun, where it can run: it crashes for a user without an entry in the machine's list.
/// @throws Error(unfit) @param remedy  what to do without
std::filesystem::path require_mpirun(const std::string& remedy);

/// "NAME=value" of our environment, as `program` is given it: all, but for the commands of Slurm (config::is_given).
std::vector<std::string> environment_for(const std::string& program);

/// The file this process was started from.
std::filesystem::path own_program();

/// peft-studio-worker: $PST_WORKER, or beside this program, or in ../libexec from there.
/// @throws Error(unfit) naming the places that were tried
std::filesystem::path worker_program();

}  // namespace pst::cluster
