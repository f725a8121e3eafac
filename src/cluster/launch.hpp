#pragma once
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/child.hpp"
#include "recipe/slurm.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// How the workers of one attempt are started.
struct Launch {
  std::string launcher;  ///< "srun" or "local"
  int ranks = 1;
  int polite_signal = SIGTERM;  ///< passed on to the launcher when we are to stop
  ChildSettings child;
};

/// `srun` over these nodes of the job we are in (empty: as Slurm likes). Every rank writes its own
/// attempts/<n>/rank-<r>.log.
Launch srun_launch(const recipe::Slurm& slurm, const rundir::RunDir& run, int attempt,
                   const std::filesystem::path& worker, const std::vector<std::string>& nodes = {});

/// Here and now: `mpirun`, or the worker by itself for one rank. All of them write attempts/<n>/ranks.log.
/// @param cores  that this process may use; shared out among the ranks
Launch local_launch(int ranks, int cores, const rundir::RunDir& run, int attempt, const std::filesystem::path& worker);

}  // namespace pst::cluster
