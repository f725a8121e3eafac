#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "cli/command.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cli {

struct SplitCounts {
  std::int64_t examples = 0, tokens = 0, labelled_tokens = 0;
};

/// What the recipe's data became.
struct DataPlan {
  std::filesystem::path store;  ///< absolute
  std::string digest;
  SplitCounts train, validation;
  std::string notes;  ///< of the preparation: what was truncated, skipped, found
};
std::string to_text(const DataPlan& data);

/// A checked recipe and what a run of it will do.
struct RunPlan {
  recipe::Recipe recipe;
  std::string model_digest;
  DataPlan data;
  std::int64_t steps = 0, rows_per_epoch = 0;
  int ranks = 1;
};
std::string to_text(const RunPlan& plan);

/// The recipe by itself. @throws Error(usage)
recipe::Recipe check_recipe(const RecipeArguments& arguments);

/// Recipe, then model folder, then data, which is tokenised into its store unless that exists.
/// @param ranks  0: as many as the slurm section says
/// @throws Error(usage) for the recipe, Error(data) for model and data, Error(io)
RunPlan plan_run(const RecipeArguments& arguments, int ranks = 0);

/// Makes the run directory: recipe.yaml, whatever `more` adds, and last run.json, which is what makes it a run. On any
/// failure the directory is removed again.
rundir::RunDir make_run(
    const RunPlan& plan, const RecipeArguments& arguments,
    const std::function<void(const rundir::RunDir&)>& more = [](const rundir::RunDir&) {});

}  // namespace pst::cli
