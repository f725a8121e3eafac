// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "families/inspect.hpp"

namespace pst::cli {

Runner add_model_inspect(CLI::App& app) {
  auto folder = std::make_shared<std::string>();
  app.add_option("DIR", *folder, "A Hugging Face model folder")->required();
  return [folder] {
    std::cout << families::to_text(families::inspect(*folder));
    return 0;
  };
}

}  // namespace pst::cli
