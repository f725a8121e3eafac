// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "datarules/validate_data.hpp"
#include "recipe/load.hpp"
#include "runs/gpus_of_job.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"

namespace pst::cli {
namespace {

/// The rules on data that are quick, and what they found: a line each.
void print_quick_check(const recipe::Recipe& recipe) {
  datarules::ValidateRequest request;
  request.data = recipe.data;
  request.is_quick = true;
  const auto findings = datarules::validate_data(request);
  std::size_t told = 0;
  for (const datarules::Found* const found : findings.found()) {
    const auto level = findings.level_of(*found);
    if (level == datarules::Level::info) continue;
    std::cout << name_of(level) << ": " << found->rule->finds << ": " << grouped(found->records)
              << (found->records == 1 ? " record, " : " records, first ")
              << findings.place_text(found->examples.front().place) << " (" << found->rule->name << ")\n";
    ++told;
  }
  if (told > 0) std::cout << "`peft-studio data validate` shows them, and looks closer\n";
}

int validate_sweep(const runs::RecipeSource& arguments) {
  const auto sweep = recipe::load_sweep(arguments.file, arguments.overrides);
  runs::PlanMemory memory;
  std::int64_t steps = 0;
  for (std::size_t i = 0; i < sweep.runs.size(); ++i)
    doing(cat("checking run ", i, " of the sweep (", join(sweep.runs[i].values, ", "), ")"), [&] {
      const runs::RunPlan plan = runs::plan_recipe(sweep.runs[i].recipe, 0, memory, console::ReadingLine().progress());
      if (i == 0) {
        std::cout << to_text(plan) << runs::device_line(plan.recipe);
        print_quick_check(plan.recipe);
      }
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
    print_quick_check(plan.recipe);
    return 0;
  };
}

}  // namespace pst::cli
