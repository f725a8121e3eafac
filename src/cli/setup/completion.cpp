// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/command_tree.hpp"
#include "cli/verb.hpp"
#include "version/version.hpp"

namespace pst::cli {

Runner add_completion(CLI::App& app) {
  auto what = std::make_shared<std::string>();
  app.add_option("SHELL", *what, "bash, zsh or fish; `man` for the manual page")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "man"}));
  return [what, &app] {
    const CommandInfo tree = describe(*app.get_parent());
    if (*what == "bash") std::cout << bash_completion(tree);
    if (*what == "zsh") std::cout << zsh_completion(tree);
    if (*what == "fish") std::cout << fish_completion(tree);
    if (*what == "man") std::cout << manual_page(tree, version());
    return 0;
  };
}

}  // namespace pst::cli
