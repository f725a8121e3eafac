// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

namespace pst::console {

struct OptionInfo {
  std::vector<std::string> names;  ///< "-o", "--output"; of a positional its one word
  bool positional = false, takes_value = false;
  std::string value;  ///< "TEXT", "KEY=VALUE"; what --help shows
  std::string help;
};

/// One command as --help knows it: what manual pages and completions are made from, so that they cannot be wrong.
struct CommandInfo {
  std::vector<std::string> path;  ///< "peft-studio", "checkpoint", "list"
  std::string help;
  std::vector<OptionInfo> options;
  std::vector<CommandInfo> commands;
};

std::string manual_page(const CommandInfo& program,
                        const std::string& version);  ///< peft-studio.1, in troff's man macros
std::string bash_completion(const CommandInfo& program);
std::string zsh_completion(const CommandInfo& program);
std::string fish_completion(const CommandInfo& program);

}  // namespace pst::console
