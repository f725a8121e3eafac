// SPDX-License-Identifier: Apache-2.0
#include "families/family.hpp"
#include "families/gguf_names.hpp"

#include <iostream>

#include "cli/verb.hpp"
#include "console/text_table.hpp"
#include "families/known_models.hpp"

namespace pst::cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;

void add_rows(Rows& rows, bool experts) {
  for (const auto* const family : families::table())
    if (families::has_experts(family->model_type) == experts)
      rows.push_back({std::string(family->model_type),
                      family->gguf == nullptr ? "-" : std::string(family->gguf->architecture),
                      std::string(families::known_models(family->model_type))});
}

}  // namespace

Runner add_model_families(CLI::App&) {
  return [] {
    Rows rows = {{"MODEL_TYPE", "GGUF", "MODELS"}};
    add_rows(rows, false);
    rows.push_back({"with experts:"});
    add_rows(rows, true);
    console::print_table(std::cout, rows);
    std::cout << "\nmodel_type is the key of config.json; GGUF the architecture of files that `model import` reads.\n";
    return 0;
  };
}

}  // namespace pst::cli
