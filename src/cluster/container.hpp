// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"
#include "site/site.hpp"

/// The workers' container. The supervisor is outside of it, where Slurm's commands are.
namespace pst::cluster {

/// What stands before the worker's command line: `apptainer exec --bind ... image`; nothing for other kinds.
/// @throws Error(usage) when the run's folder cannot be bound
std::vector<std::string> container_command(const site::Container& container, const rundir::RunDir& run);

/// What srun is told of it: Pyxis' --container-image and --container-mounts; nothing for other kinds.
/// @throws Error(usage) as above
std::vector<std::string> srun_container_arguments(const site::Container& container, const rundir::RunDir& run);

}  // namespace pst::cluster
