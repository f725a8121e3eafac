// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "data/prepare.hpp"
#include "families/spec.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"
#include "runs/recipe_source.hpp"

namespace pst::runs {

namespace fs = std::filesystem;

/// A checked recipe and what a run of it will do.
struct RunPlan {
  recipe::Recipe recipe;
  std::string model_digest;
  data::PreparedStore data;
  std::int64_t steps = 0, rows_per_epoch = 0;
  std::int64_t rows_left = 0;  ///< at the end of an epoch, beside those of full steps
  int ranks = 1;
  std::vector<std::string> misread;  ///< recipe::misread_targets()
};
/// What the user should know before the run, beside its counts: each a sentence.
std::vector<std::string> notes_of(const RunPlan& plan);
std::string to_text(const RunPlan& plan);

/// What only recipe and model together can get wrong: found here, not by a job after its time in the queue.
/// @param coming_adapter  that adapter.init_from may name before it is there
/// @throws Error(usage) or Error(data)
void check_fit(const recipe::Recipe& recipe, const families::ModelSpec& model, const fs::path& coming_adapter = {});

/// Recipe and model folder, and whether the two fit.
/// @param ranks  0: as many as the slurm section says
recipe::Recipe check_recipe_and_model(const RecipeSource& source, int ranks);

/// What plans of the same sweep share, so that a large model is not read once for every run.
struct PlanMemory {
  std::map<std::string, std::string> model_digests;  ///< by folder
  std::map<std::string, data::PreparedStore> data;   ///< by everything that decides it
  std::set<std::string> checked_models, examined_data;
  /// An adapter that a run yet to be completed will have written by the time this one starts.
  fs::path coming_adapter;
};

/// Recipe, model folder and data, in this order, without writing anything.
/// @throws Error(usage) for the recipe, Error(data) for model and data
/// @param reading  is told now and then how many examples have been read
recipe::Recipe check_all(const RecipeSource& source, const data::Progress& reading = {});

/// The same for one of several runs.
void check_one(const recipe::Recipe& recipe, PlanMemory& memory, const data::Progress& reading = {});

/// The same, and tokenises the data into its store unless that exists.
/// @param ranks  0: as many as the slurm section says
/// @throws Error(io) besides
RunPlan plan_run(const RecipeSource& source, int ranks = 0, const data::Progress& reading = {});
RunPlan plan_recipe(recipe::Recipe recipe, int ranks, PlanMemory& memory, const data::Progress& reading = {});

/// Makes the run directory: recipe.yaml, whatever `more` adds, and last run.json, which is what makes it a run. On any
/// failure the directory is removed again.
rundir::RunDir make_run(
    const RunPlan& plan, const RecipeSource& source,
    const std::function<void(const rundir::RunDir&)>& more = [](const rundir::RunDir&) {});
/// Fills a folder that exists and is empty.
void fill_run(const rundir::RunDir& run, const RunPlan& plan, const RecipeSource& source,
              const std::function<void(const rundir::RunDir&)>& more);

}  // namespace pst::runs
