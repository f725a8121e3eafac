// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "cli/run_plan.hpp"
#include "cli/submission.hpp"
#include "cli/verb.hpp"

namespace pst::cli {

/// A sweep's folder with all its runs, nothing submitted or started. Every run is checked before the first is made.
/// @param ranks  0: as many as the slurm section says
struct MadeSweep {
  rundir::SweepDir dir;
  rundir::SweepRecord record;
};
enum class ForSlurm { yes, no };
MadeSweep make_sweep(const RecipeArguments& arguments, int ranks, ForSlurm for_slurm);

/// Hands runs of a sweep to Slurm as one job array, whose elements have the runs' numbers.
/// @throws as cluster::submit; the runs then have the event `failed`
void submit_runs(const rundir::SweepDir& dir, const rundir::SweepRecord& record, const std::vector<int>& numbers,
                 const Before& before);
/// Makes a sweep and submits all of it.
MadeSweep submit_sweep(const RecipeArguments& arguments, const Before& before);

/// One run after the other, here. @return 0 when all are completed, else the status of the first that is not
int train_sweep_here(const RecipeArguments& arguments, int ranks);

}  // namespace pst::cli
