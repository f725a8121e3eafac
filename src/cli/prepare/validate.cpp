// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "recipe/load.hpp"
#include "runs/gpus_of_job.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"

namespace pst::cli {
namespace {

int validate_sweep(const runs::RecipeSource& arguments) {
  const auto sweep = recipe::load_sweep(arguments.file, arguments.overrides);
  runs::PlanMemory memory;
  std::int64_t steps = 0;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i)
    doing(cat("checking run ", i, " of the sweep (", join(sweep.runs[i].values, ", "), ")"), [&] {
      const runs::RunPlan plan = runs::plan_recipe(sweep.runs[i].recipe, 0, memory, console::ReadingLine().progress());
      if (i == 0) std::cout << to_text(plan) << runs::device_line(plan.recipe);
      steps += plan.steps;
    });
  std::cout << "sweep: " << sweep.runs.size() << " runs, " << grouped(steps)
            << " steps in all; the above is the first of them\n";
  return 0;
}

}  // namespace

Runner add_validate(CLI::App& app) {
  auto arguments = std::make_shared<runs::RecipeSource>();
  add_recipe_arguments(app, *arguments);
  auto recipe_only = std::make_shared<bool>(false);
  app.add_flag("--recipe-only", *recipe_only, "Check the recipe alone; model and data need not be on this machine");
  return [arguments, recipe_only] {
    const bool sweep = recipe::is_sweep(arguments->file, arguments->overrides);
    if (*recipe_only) {
      if (sweep)
        recipe::load_sweep(arguments->file, arguments->overrides);
      else
        recipe::load(arguments->file, arguments->overrides);
      std::cout << arguments->file << " is a valid recipe\n";
      return 0;
    }
    if (sweep) return validate_sweep(*arguments);
    const runs::RunPlan plan = runs::plan_run(*arguments, 0, console::ReadingLine().progress());
    std::cout << to_text(plan) << runs::device_line(plan.recipe);
    return 0;
  };
}

}  // namespace pst::cli
