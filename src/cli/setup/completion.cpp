// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/command_tree.hpp"
#include "cli/verb.hpp"
#include "console/command_info.hpp"
#include "version/version.hpp"

namespace pst::cli {

Runner add_completion(CLI::App& app) {
  auto what = std::make_shared<std::string>();
  app.add_option("SHELL", *what, "bash, zsh or fish for its completion script, man for the manual page")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "man"}));
  return [what, &app] {
    const console::CommandInfo tree = describe(*app.get_parent());
    if (*what == "bash") std::cout << console::bash_completion(tree);
    if (*what == "zsh") std::cout << console::zsh_completion(tree);
    if (*what == "fish") std::cout << console::fish_completion(tree);
    if (*what == "man") std::cout << console::manual_page(tree, version());
    return 0;
  };
}

}  // namespace pst::cli
