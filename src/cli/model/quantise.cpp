// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <thread>

#include "cli/verb.hpp"
#include "core/strings.hpp"
#include "families/inspect.hpp"
#include "lowbit/quantise_folder.hpp"
#include "weights/number_format.hpp"

namespace pst::cli {

Runner add_model_quantise(CLI::App& app) {
  struct Arguments {
    std::string from, to, format;
    bool plain_scales = false;
    std::vector<std::string> skip;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("DIR", arguments->from, "A Hugging Face model folder")->required();
  app.add_option("OUT", arguments->to, "Folder to create, in a layout that transformers reads")->required();
  std::vector<std::string> names, formats;
  for (const auto& row : weights::quantised_formats()) {
    names.emplace_back(row.name);
    formats.push_back(cat(row.name, ": ", row.help));
  }
  app.add_option("--format", arguments->format, join(formats, "; "))->check(CLI::IsMember(names))->required();
  app.add_flag("--plain-scales", arguments->plain_scales,
               "With nf4: keep the scales of the blocks in fp32 instead of quantising them as well");
  app.add_option("--skip", arguments->skip, "Layers to leave as they are, by the end of their name, such as lm_head");
  return [arguments] {
    lowbit::quantise_folder(arguments->from, arguments->to,
                            {.format = weights::number_format_of(arguments->format),
                             .scales = arguments->plain_scales ? lowbit::Scales::plain : lowbit::Scales::quantised,
                             .skip = arguments->skip,
                             .threads = static_cast<int>(std::thread::hardware_concurrency())});
    std::cout << families::to_text(families::inspect(arguments->to));
    return 0;
  };
}

}  // namespace pst::cli
