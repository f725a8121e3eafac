// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "rundir/run_dir.hpp"

/// Sites with several Slurm clusters count jobs on each: job 12 of one is not job 12 of another.
namespace pst::runs {

/// Which cluster Slurm's commands ask: SLURM_CLUSTERS of the shell, in a job the job's own. Empty: this machine's.
std::string cluster_asked();
/// The same when the run's job was last submitted.
std::string cluster_of_job(const rundir::RunDir& run);
/// Why nothing is known of the job, and what to do: the two differ.
std::string on_another_cluster(const std::string& of_job, const std::string& asked);

}  // namespace pst::runs
