#include <iostream>

#include "cli/command.hpp"
#include "cli/run_plan.hpp"

namespace pst::cli {

Command add_validate(CLI::App& program) {
  CLI::App* app = program.add_subcommand("validate", "Check recipe, model and data; say what a run would do");
  auto arguments = std::make_shared<RecipeArguments>();
  add_recipe_arguments(*app, *arguments);
  return {app, [arguments] {
            const RunPlan plan = plan_run(*arguments);
            std::cout << to_text(plan);
            return 0;
          }};
}

}  // namespace pst::cli
