// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/command.hpp"
#include "cli/command_tree.hpp"
#include "version/version.hpp"

namespace pst::cli {

Command add_completion(CLI::App& program) {
  CLI::App* app = program.add_subcommand("completion", "Print the completion script of a shell, or the manual page");
  auto what = std::make_shared<std::string>();
  app->add_option("SHELL", *what, "bash, zsh or fish; `man` for the manual page")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "man"}));
  return {app, [what, &program] {
            const CommandInfo tree = describe(program);
            if (*what == "bash") std::cout << bash_completion(tree);
            if (*what == "zsh") std::cout << zsh_completion(tree);
            if (*what == "fish") std::cout << fish_completion(tree);
            if (*what == "man") std::cout << manual_page(tree, version());
            return 0;
          }};
}

}  // namespace pst::cli
