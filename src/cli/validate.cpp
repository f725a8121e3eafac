#include <iostream>

#include "cli/command.hpp"
#include "cli/run_plan.hpp"
#include "recipe/load.hpp"

namespace pst::cli {

Command add_validate(CLI::App& program) {
  CLI::App* app = program.add_subcommand("validate", "Check recipe, model and data; say what a run would do");
  auto arguments = std::make_shared<RecipeArguments>();
  add_recipe_arguments(*app, *arguments);
  auto recipe_only = std::make_shared<bool>(false);
  app->add_flag("--recipe-only", *recipe_only, "Look at the recipe alone: model and data may be somewhere else");
  return {app, [arguments, recipe_only] {
            if (*recipe_only) {
              recipe::load(arguments->file, arguments->overrides);
              std::cout << arguments->file << " is a valid recipe\n";
              return 0;
            }
            const RunPlan plan = plan_run(*arguments);
            std::cout << to_text(plan);
            return 0;
          }};
}

}  // namespace pst::cli
