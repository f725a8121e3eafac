// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/verb.hpp"
#include "families/inspect.hpp"
#include "gguf/import_model.hpp"

namespace pst::cli {

Runner add_model_import(CLI::App& app) {
  auto file = std::make_shared<std::string>(), folder = std::make_shared<std::string>();
  app.add_option("FILE", *file, "The GGUF file, of an architecture that 'model families' lists")->required();
  app.add_option("DIR", *folder, "Folder to create")->required();
  return [file, folder] {
    gguf::import_gguf(*file, *folder);
    std::cout << families::to_text(families::inspect(*folder));
    return 0;
  };
}

}  // namespace pst::cli
