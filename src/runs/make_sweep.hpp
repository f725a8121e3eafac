// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "data/prepare.hpp"
#include "runs/recipe_source.hpp"
#include "runs/submission.hpp"

namespace pst::runs {

/// A sweep's folder with all its runs, nothing submitted or started. Every run is checked before the first is made.
struct MadeSweep {
  rundir::SweepDir dir;
  rundir::SweepRecord record;
};
enum class ForSlurm { yes, no };
/// @param ranks  0: as many as the slurm section says
MadeSweep make_sweep(const RecipeSource& source, int ranks, ForSlurm for_slurm, const data::Progress& reading = {});

/// "optimizer.lr=1e-4 adapter.r=8": what is particular to one run.
std::string values_text(const rundir::SweepRecord& record, std::size_t number);

/// Hands runs of a sweep to Slurm as one job array, whose elements have the runs' numbers.
/// @return the array's job id. @throws as cluster::submit; the runs then have the event `failed`
std::string submit_runs(const rundir::SweepDir& dir, const rundir::SweepRecord& record, const std::vector<int>& numbers,
                        const Before& before);

}  // namespace pst::runs
