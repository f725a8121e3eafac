// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/verb.hpp"
#include "console/live_line.hpp"
#include "core/printable.hpp"
#include "data/prepared.hpp"
#include "runs/recipe_source.hpp"
#include "runs/run_plan.hpp"

namespace pst::cli {

Runner add_data_dump(CLI::App& app) {
  auto source = std::make_shared<runs::RecipeSource>();
  auto split = std::make_shared<std::string>("train");
  add_recipe_arguments(app, *source);
  app.add_option("--split", *split, "Part of the data to print")
      ->check(CLI::IsMember({"train", "validation"}))
      ->capture_default_str();
  return [source, split] {
    const auto set =
        data::PreparedSet::open(runs::plan_run(*source, 0, console::ReadingLine().progress()).data.store, *split);
    for (std::size_t i = 0; i < set.size(); ++i) {
      const data::Document document = set.document(i);
      const nlohmann::json line = {{"ids", document.ids}, {"labelled", document.labelled}};
      std::cout << printable_json(line.dump()) << '\n';
    }
    return 0;
  };
}

}  // namespace pst::cli
