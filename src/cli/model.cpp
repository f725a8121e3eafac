// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <thread>

#include "cli/command.hpp"
#include "core/strings.hpp"
#include "families/inspect.hpp"
#include "gguf/import.hpp"
#include "lowbit/quantise_folder.hpp"
#include "weights/number_format.hpp"

namespace pst::cli {

Command add_model_import(CLI::App& model) {
  CLI::App* app = model.add_subcommand("import", "Write the model of a GGUF file as a Hugging Face folder");
  auto file = std::make_shared<std::string>(), folder = std::make_shared<std::string>();
  app->add_option("FILE", *file, "The GGUF file")->required();
  app->add_option("DIR", *folder, "The folder to make")->required();
  return {app, [file, folder] {
            gguf::import_gguf(*file, *folder);
            std::cout << families::to_text(families::inspect(*folder));
            return 0;
          }};
}

Command add_model_quantise(CLI::App& model) {
  CLI::App* app = model.add_subcommand("quantise", "Write a model's folder with its layers in 4 or 8 bits");
  struct Arguments {
    std::string from, to, format;
    bool plain_scales = false;
    std::vector<std::string> skip;
  };
  auto arguments = std::make_shared<Arguments>();
  app->add_option("DIR", arguments->from, "A Hugging Face model folder")->required();
  app->add_option("OUT", arguments->to, "The folder to make, in a layout that transformers reads")->required();
  std::vector<std::string> names, formats;
  for (const auto& row : weights::quantised_formats()) {
    names.emplace_back(row.name);
    formats.push_back(cat(row.name, ": ", row.help));
  }
  app->add_option("--format", arguments->format, join(formats, "; "))->check(CLI::IsMember(names))->required();
  app->add_flag("--plain-scales", arguments->plain_scales, "Keep the scales of nf4 in fp32: no double quantisation");
  app->add_option("--skip", arguments->skip, "Layers to leave as they are, by the end of their name");
  return {app, [arguments] {
            lowbit::quantise_folder(
                arguments->from, arguments->to,
                {.format = weights::number_format_of(arguments->format),
                 .scales = arguments->plain_scales ? lowbit::Scales::plain : lowbit::Scales::quantised,
                 .skip = arguments->skip,
                 .threads = static_cast<int>(std::thread::hardware_concurrency())});
            std::cout << families::to_text(families::inspect(arguments->to));
            return 0;
          }};
}

Command add_model_inspect(CLI::App& model) {
  CLI::App* app = model.add_subcommand("inspect", "Check a model's folder and say what is in it");
  auto folder = std::make_shared<std::string>();
  app->add_option("DIR", *folder, "A Hugging Face model folder")->required();
  return {app, [folder] {
            std::cout << families::to_text(families::inspect(*folder));
            return 0;
          }};
}

}  // namespace pst::cli
