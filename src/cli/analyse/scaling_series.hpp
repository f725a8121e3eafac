// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "report/scaling.hpp"
#include "runs/recipe_source.hpp"

namespace pst::cli {

/// A series of runs of one recipe: here, on numbers of ranks, or under Slurm, on numbers of nodes.
struct Series {
  runs::RecipeSource recipe;
  std::vector<int> ranks, nodes;  ///< one of the two is empty
  report::ScalingKind kind = report::ScalingKind::strong;
  int cores_per_rank = 0;  ///< here: 0: what the largest number of ranks leaves each
};

/// Checks every size before the first starts, then runs one after the other, so that none disturbs another.
/// strong: the recipe's batch in all; weak: the recipe's batch is that of the smallest size, and grows with the ranks.
/// @return the completed runs. @throws Error(usage, data) before anything starts; with the reason when a run fails
std::vector<rundir::RunDir> run_series(const Series& series);

}  // namespace pst::cli
