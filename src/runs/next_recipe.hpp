// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "data/prepare.hpp"
#include "recipe/changes.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"

namespace pst::runs {

/// What `resume` was asked to change. A key that alters the result is refused by name unless that is allowed.
struct RecipeChange {
  std::vector<std::string> overrides;  ///< key.sub=value
  bool allowed = false;
};

/// The recipe that a run goes on with, and what of it is not yet in the run's folder.
struct NextRecipe {
  recipe::Recipe recipe;
  std::string effective;                 ///< its text
  rundir::RunRecord record;              ///< run.json as it will be
  bool is_new = false;                   ///< it is not the one in the run's folder
  std::vector<recipe::Change> to_allow;  ///< since the newest checkpoint, and not yet in events.jsonl
};

/// Checks everything; of the run's folder it changes nothing. Prepared data that are gone are made again.
/// @param ranks  0: as many as the slurm section says
/// @throws Error(usage) for the recipe, and when a key differs from the newest checkpoint's and is not allowed to;
/// Error(data) for model and data, and when the data that are made again are not those which the run was made with
NextRecipe next_recipe(const rundir::RunDir& run, const RecipeChange& change, int ranks,
                       const data::Progress& reading = {});

/// Whether the tokens that a run trains on are where it left them. The folder may be removed while no job uses it;
/// next_recipe() makes it again.
bool has_prepared_data(const rundir::RunDir& run);

/// recipe.yaml, job.sh where there is one, run.json, and what was allowed into events.jsonl.
void put_in_place(const rundir::RunDir& run, const NextRecipe& next);

}  // namespace pst::runs
