// SPDX-License-Identifier: Apache-2.0
#include "cli/verb.hpp"

#include <map>

#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cli {
namespace {

std::vector<std::string> profile_overrides(const std::string& asked) {
  std::map<std::string, std::string> values;
  std::string key;
  for (const auto& piece : split(asked, ',')) {  // "steps=20:25", "ranks=0", "3"
    const auto equals = piece.find('=');
    if (equals != std::string::npos) {
      key = piece.substr(0, equals);
      values[key] = piece.substr(equals + 1);
    } else {
      values[key] += "," + piece;
    }
  }
  const auto refuse = [&] {
    return Error(Fault::usage, cat("--profile ", quoted(asked), " is not understood"),
                 "write steps=20:25 (both ends included), and where not all ranks are to do it: steps=20:25,ranks=0,3");
  };
  std::vector<std::string> overrides;
  for (const auto& [name, value] : values) {
    if (name == "ranks") {
      overrides.push_back(cat("profile.ranks=[", value, "]"));
    } else if (name == "steps") {
      const auto ends = split(value, ':');
      if (ends.empty() || ends.size() > 2) throw refuse();
      for (const auto& end : ends)
        if (!to_int(end)) throw refuse();
      overrides.push_back(cat("profile.first_step=", ends.front()));
      overrides.push_back(cat("profile.last_step=", ends.back()));
    } else {
      throw refuse();
    }
  }
  return overrides;
}

}  // namespace

void add_recipe_arguments(CLI::App& app, runs::RecipeSource& source) {
  app.add_option("RECIPE", source.file, "YAML file that says what to train")->required();
  add_override_option(app, source.overrides);
}

void add_override_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option("--set", overrides, "Override a key of the recipe: --set train.max_steps=10 (may be repeated)")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_run_arguments(CLI::App& app, RunArguments& arguments) {
  app.add_option("RUN", arguments.run, "The run: its folder, name or id; the beginning of it is enough")->required();
  add_output_dir_option(app, arguments.output_dir);
}

void add_output_dir_option(CLI::App& app, std::string& output_dir) {
  app.add_option("--output-dir", output_dir, "Folder that holds the runs")->capture_default_str();
}

void add_profile_option(CLI::App& app, std::vector<std::string>& overrides) {
  app.add_option_function<std::vector<std::string>>(
         "--profile",
         [&overrides](const std::vector<std::string>& asked) {
           for (const auto& one : asked)
             for (auto& override : profile_overrides(one)) overrides.push_back(std::move(override));
         },
         "Trace these steps in detail for `peft-studio profile`: steps=20:25, on some ranks only: "
         "steps=20:25,ranks=0,3")
      ->type_name("steps=FIRST:LAST[,ranks=R,...]")
      ->allow_extra_args(false);
}

}  // namespace pst::cli
