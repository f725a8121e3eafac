// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "console/live_line.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"

namespace pst::cli {

Runner add_data_prepare(CLI::App& app) {
  auto source = std::make_shared<runs::RecipeSource>();
  add_recipe_arguments(app, *source);
  return [source] {
    const runs::RunPlan plan = runs::plan_run(*source, 0, console::ReadingLine().progress());
    std::cout << plan.data.report.to_text() << "\nstore: " << plan.data.store.string()
              << (plan.data.reused ? " (was there already)" : "") << '\n';
    return 0;
  };
}

}  // namespace pst::cli
