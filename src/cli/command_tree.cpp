// SPDX-License-Identifier: Apache-2.0
#include "cli/command_tree.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace pst::cli {
namespace {

console::OptionInfo describe(const CLI::Option& option) {
  console::OptionInfo info{.positional = option.get_positional(), .help = option.get_description()};
  if (info.positional) {
    info.names = {option.get_name(true)};
  } else {
    for (const auto& name : option.get_snames()) info.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) info.names.push_back("--" + name);
  }
  info.takes_value = option.get_items_expected_max() > 0;
  if (info.takes_value) info.value = option.get_type_name();
  return info;
}

console::CommandInfo describe_below(const CLI::App& app, std::vector<std::string> path) {
  path.push_back(app.get_name());
  console::CommandInfo info{.path = path, .help = app.get_description()};
  for (const auto* option : app.get_options()) info.options.push_back(describe(*option));
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) info.commands.push_back(describe_below(*command, path));  // no group: hidden
  return info;
}

}  // namespace

console::CommandInfo describe(const CLI::App& app) { return describe_below(app, {}); }

}  // namespace pst::cli
