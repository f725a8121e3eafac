// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/run_plan.hpp"
#include "cli/verb.hpp"

namespace pst::cli {

Runner add_data_prepare(CLI::App& app) {
  auto arguments = std::make_shared<RecipeArguments>();
  add_recipe_arguments(app, *arguments);
  return [arguments] {
    const RunPlan plan = plan_run(*arguments);
    std::cout << plan.data.report.to_text() << "\nstore: " << plan.data.store.string()
              << (plan.data.reused ? " (was there already)" : "") << '\n';
    return 0;
  };
}

}  // namespace pst::cli
