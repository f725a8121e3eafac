// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"
#include "cli/follow_run.hpp"

namespace pst::cli {

Command add_follow(CLI::App& program) {
  CLI::App* app = program.add_subcommand("follow", "Watch a run until it ends");
  auto arguments = std::make_shared<RunArguments>();
  auto cancel = std::make_shared<bool>(false);
  add_run_arguments(*app, *arguments);
  app->add_flag("--cancel-on-interrupt", *cancel, "Ctrl-C cancels the run");
  return {app, [arguments, cancel] {
            return follow_run(arguments->find(), *cancel ? OnInterrupt::cancel : OnInterrupt::detach);
          }};
}

}  // namespace pst::cli
