#include <iostream>

#include "cli/command.hpp"
#include "gguf/import.hpp"
#include "weights/inspect.hpp"

namespace pst::cli {

Command add_model_import(CLI::App& model) {
  CLI::App* app = model.add_subcommand("import", "Write the model of a GGUF file as a Hugging Face folder");
  auto file = std::make_shared<std::string>(), folder = std::make_shared<std::string>();
  app->add_option("FILE", *file, "The GGUF file")->required();
  app->add_option("DIR", *folder, "The folder to make")->required();
  return {app, [file, folder] {
            gguf::import_gguf(*file, *folder);
            std::cout << weights::to_text(weights::inspect(*folder));
            return 0;
          }};
}

Command add_model_inspect(CLI::App& model) {
  CLI::App* app = model.add_subcommand("inspect", "Check a model's folder and say what is in it");
  auto folder = std::make_shared<std::string>();
  app->add_option("DIR", *folder, "A Hugging Face model folder")->required();
  return {app, [folder] {
            std::cout << weights::to_text(weights::inspect(*folder));
            return 0;
          }};
}

}  // namespace pst::cli
