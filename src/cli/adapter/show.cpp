// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "adapters/adapter_summary.hpp"
#include "cli/verb.hpp"

namespace pst::cli {

Runner add_adapter_show(CLI::App& app) {
  struct Arguments {
    std::string adapter;
    std::optional<std::string> model;
    bool json = false;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("ADAPTER", arguments->adapter, "A PEFT adapter's folder, of any type")->required();
  app.add_option("--model", arguments->model, "Folder of the model it is for: names and shapes are compared");
  app.add_flag("--json", arguments->json, "Print everything as JSON, with all singular values");
  return [arguments] {
    const auto summary = adapters::inspect(arguments->adapter, arguments->model);
    std::cout << (arguments->json ? adapters::to_json(summary) : adapters::to_text(summary));
    return 0;
  };
}

}  // namespace pst::cli
