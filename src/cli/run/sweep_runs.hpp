// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "runs/make_sweep.hpp"
#include "runs/recipe_source.hpp"
#include "runs/submission.hpp"

namespace pst::cli {

/// Makes a sweep and submits all of it.
runs::MadeSweep submit_sweep(const runs::RecipeSource& source, const runs::Before& before);
/// Hands runs of a sweep to Slurm as one job array, and prints the job.
void submit_array(const rundir::SweepDir& dir, const rundir::SweepRecord& record, const std::vector<int>& numbers,
                  const runs::Before& before);

/// One run after the other, here. @return 0 when all are completed, else the status of the first that is not
int train_sweep_here(const runs::RecipeSource& source, int ranks);

}  // namespace pst::cli
