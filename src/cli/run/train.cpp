// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/run/sweep_runs.hpp"
#include "cli/run/train_here.hpp"
#include "cli/verb.hpp"
#include "cluster/program_path.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/handle.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"

namespace pst::cli {
namespace {

struct TrainArguments {
  runs::RecipeSource recipe;
  int ranks = 1, cores_per_rank = 0;
};

int train(TrainArguments arguments) {
  if (arguments.cores_per_rank > 0) {
    auto& overrides = arguments.recipe.overrides;  // what the user says comes later, and so counts
    overrides.insert(overrides.begin(), cat("train.threads=", arguments.cores_per_rank));
  }
  const bool sweep = recipe::is_sweep(arguments.recipe.file, arguments.recipe.overrides);
  if (!sweep) recipe::load(arguments.recipe.file, arguments.recipe.overrides);  // the quick checks first
  cluster::worker_program();
  if (arguments.ranks > 1) cluster::require_mpirun("install Open MPI, or use --ranks 1");
  if (sweep && arguments.cores_per_rank > 0)
    throw Error(Fault::usage, "--cores-per-rank is for a single run, and this recipe is a sweep",
                "leave it out, or take one point of the sweep with --set");
  if (sweep) return train_sweep_here(arguments.recipe, arguments.ranks);
  const runs::RunPlan plan = runs::plan_run(arguments.recipe, arguments.ranks, console::ReadingLine().progress());
  for (const auto& note : notes_of(plan)) std::cerr << "note: " << note << std::endl;
  const rundir::RunDir run = runs::make_run(plan, arguments.recipe);
  std::cout << "run  " << runs::handle(run) << std::endl;

  return train_here(run, arguments.ranks, arguments.cores_per_rank);
}

}  // namespace

Runner add_train(CLI::App& app) {
  auto arguments = std::make_shared<TrainArguments>();
  add_recipe_arguments(app, arguments->recipe);
  add_profile_option(app, arguments->recipe.overrides);
  app.add_option("--ranks", arguments->ranks, "Number of processes that share the work, started with mpirun")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_option("--cores-per-rank", arguments->cores_per_rank,
                 "Bind each rank to this many cores of its own, with as many threads; by default ranks are not bound")
      ->check(CLI::Range(1, 1024));
  return [arguments] { return train(*arguments); };
}

}  // namespace pst::cli
