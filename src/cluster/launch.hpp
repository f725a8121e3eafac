// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <signal.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cluster/child.hpp"
#include "recipe/slurm_section.hpp"
#include "requests/train_request.hpp"
#include "rundir/run_dir.hpp"
#include "site/site.hpp"

namespace pst::cluster {

/// How the workers of one attempt are started.
struct Launch {
  std::string launcher;  ///< "srun", "mpirun", "ibrun" or "local"
  int ranks = 1;
  int polite_signal = SIGTERM;  ///< passed on to the launcher when we are to stop
  ChildSettings child;
};

/// What the launch of an attempt inside a Slurm job depends on.
struct InJob {
  recipe::Slurm slurm;
  site::Site site;
  std::map<std::string, std::string> secrets;  ///< for the environment of the workers
};

/// The site's launcher, or srun where the recipe says how (`slurm.mpi`), over these nodes of the job we are in (empty:
/// as Slurm likes). Under srun every rank writes its own attempts/<n>/rank-<r>.log, else all write ranks.log.
Launch launch_in_job(const InJob& how, const rundir::RunDir& run, int attempt, const std::filesystem::path& worker,
                     const std::vector<std::string>& nodes = {});

/// The worker's own command line.
std::vector<std::string> worker_arguments(const std::filesystem::path& worker, const requests::TrainRequest& request);

/// Who has which of this machine's cores.
struct LocalCores {
  int all = 1;       ///< that this process may use
  int per_rank = 0;  ///< that each rank is bound to, none of them shared; 0: unbound, the ranks share all
};

/// Here and now: `mpirun`, or the worker by itself for one rank. All of them write attempts/<n>/ranks.log.
Launch local_launch(int ranks, LocalCores cores, const rundir::RunDir& run, int attempt,
                    const std::filesystem::path& worker);

}  // namespace pst::cluster
