// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "adapters/adapter_folder.hpp"
#include "adapters/export_gguf.hpp"
#include "cli/verb.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

struct ExportArguments {
  std::string adapter, format, to;
  std::optional<std::string> model;
};

std::string model_of(const ExportArguments& arguments) {
  if (arguments.model) return *arguments.model;
  if (const auto named = adapters::AdapterFolder::open(arguments.adapter).base_model()) return named->string();
  throw Error(Fault::usage, "adapter_config.json names no model's folder that is here",
              "say which folder it is: --model DIR");
}

}  // namespace

Runner add_adapter_export(CLI::App& app) {
  auto arguments = std::make_shared<ExportArguments>();
  app.add_option("ADAPTER", arguments->adapter, "A PEFT adapter's folder")->required();
  app.add_option("OUT", arguments->to, "File to write")->required();
  app.add_option("--format", arguments->format, "gguf: the file that llama.cpp takes with --lora")
      ->check(CLI::IsMember({"gguf"}))
      ->required();
  app.add_option("--model", arguments->model, "Folder of the model; without it the one that adapter_config.json names");
  return [arguments] {
    const std::string model = model_of(*arguments);
    adapters::export_gguf(arguments->adapter, model, arguments->to);
    std::cout << "wrote " << arguments->to << "; llama.cpp takes it with --lora beside a GGUF file of the model in "
              << model << '\n';
    return 0;
  };
}

}  // namespace pst::cli
