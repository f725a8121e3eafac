// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/run_plan.hpp"
#include "cli/verb.hpp"
#include "data/prepared.hpp"

namespace pst::cli {

Runner add_data_dump(CLI::App& app) {
  auto arguments = std::make_shared<RecipeArguments>();
  auto split = std::make_shared<std::string>("train");
  add_recipe_arguments(app, *arguments);
  app.add_option("--split", *split, "Which part")->check(CLI::IsMember({"train", "validation"}))->capture_default_str();
  return [arguments, split] {
    const auto set = data::PreparedSet::open(plan_run(*arguments).data.store, *split);
    for (std::size_t i = 0; i < set.size(); ++i) {
      const data::Document document = set.document(i);
      std::cout << nlohmann::json{{"ids", document.ids}, {"labelled", document.labelled}} << '\n';
    }
    return 0;
  };
}

}  // namespace pst::cli
