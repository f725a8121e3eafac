// SPDX-License-Identifier: Apache-2.0
#include "families/family.hpp"

#include <iostream>

#include "cli/verb.hpp"
#include "console/text_table.hpp"

namespace pst::cli {

Runner add_model_families(CLI::App&) {
  return [] {
    std::vector<std::vector<std::string>> rows = {{"MODEL_TYPE", "CLASS", "GGUF"}};
    for (const auto* const family : families::table())
      rows.push_back({std::string(family->model_type), std::string(family->architecture),
                      family->gguf == nullptr ? "-" : std::string(family->gguf->architecture)});
    console::print_table(std::cout, rows);
    return 0;
  };
}

}  // namespace pst::cli
