// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/run_plan.hpp"
#include "data/prepared.hpp"

namespace pst::cli {

Command add_data_dump(CLI::App& data) {
  CLI::App* app = data.add_subcommand("dump", "Print what training sees: a line {\"ids\", \"labelled\"} per example");
  auto arguments = std::make_shared<RecipeArguments>();
  auto split = std::make_shared<std::string>("train");
  add_recipe_arguments(*app, *arguments);
  app->add_option("--split", *split, "Which part")
      ->check(CLI::IsMember({"train", "validation"}))
      ->capture_default_str();
  return {app, [arguments, split] {
            const auto set = data::PreparedSet::open(plan_run(*arguments).data.store, *split);
            for (std::size_t i = 0; i < set.size(); ++i) {
              const data::Document document = set.document(i);
              std::cout << nlohmann::json{{"ids", document.ids}, {"labelled", document.labelled}} << '\n';
            }
            return 0;
          }};
}

}  // namespace pst::cli
