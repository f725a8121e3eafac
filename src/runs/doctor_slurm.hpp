// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <string>
#include <vector>

#include "doctor/finding.hpp"
#include "doctor/machine_facts.hpp"

namespace pst::runs {

std::vector<doctor::Finding> check_worker();  ///< is it there, of our version, and with which MPI
std::vector<doctor::Finding> check_slurm();   ///< commands, version, MPI plugins, settings that matter to us

/// Every node of the job that we run in, asked through one step. @param unheard  gets those that did not answer
/// @throws Error with Slurm's words when the step cannot be started at all
std::vector<doctor::Machine> look_at_job_nodes(const std::vector<std::string>& folders,
                                               std::vector<std::string>& unheard);

/// The output of `srun --label` put together again, task by task: srun cuts a long line into pieces of about 1,000
/// bytes, each with the label, and mixes those of different tasks.
std::map<std::string, std::string> by_task(const std::string& labelled);

/// The MPI plugins that `srun --mpi=list` names.
std::vector<std::string> mpi_plugins_in(const std::string& words);

}  // namespace pst::runs
