#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "cli/command.hpp"
#include "data/prepare.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cli {

/// A checked recipe and what a run of it will do.
struct RunPlan {
  recipe::Recipe recipe;
  std::string model_digest;
  data::PreparedStore data;
  std::int64_t steps = 0, rows_per_epoch = 0;
  int ranks = 1;
};
std::string to_text(const RunPlan& plan);

/// Recipe and model folder, and whether the two fit.
/// @param ranks  0: as many as the slurm section says
recipe::Recipe check_recipe_and_model(const RecipeArguments& arguments, int ranks);

/// Recipe, model folder and data, in this order, without writing anything.
/// @throws Error(usage) for the recipe, Error(data) for model and data
recipe::Recipe check_all(const RecipeArguments& arguments);

/// The same, and tokenises the data into its store unless that exists.
/// @param ranks  0: as many as the slurm section says
/// @throws Error(io) besides
RunPlan plan_run(const RecipeArguments& arguments, int ranks = 0);

/// Makes the run directory: recipe.yaml, whatever `more` adds, and last run.json, which is what makes it a run. On any
/// failure the directory is removed again.
rundir::RunDir make_run(
    const RunPlan& plan, const RecipeArguments& arguments,
    const std::function<void(const rundir::RunDir&)>& more = [](const rundir::RunDir&) {});

}  // namespace pst::cli
