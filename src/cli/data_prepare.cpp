// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/command.hpp"
#include "cli/run_plan.hpp"

namespace pst::cli {

Command add_data_prepare(CLI::App& data) {
  CLI::App* app = data.add_subcommand("prepare", "Tokenise a recipe's data, once for all runs that use it so");
  auto arguments = std::make_shared<RecipeArguments>();
  add_recipe_arguments(*app, *arguments);
  return {app, [arguments] {
            const RunPlan plan = plan_run(*arguments);
            std::cout << plan.data.report.to_text() << "\nstore: " << plan.data.store.string()
                      << (plan.data.reused ? " (was there already)" : "") << '\n';
            return 0;
          }};
}

}  // namespace pst::cli
