// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/follow_run.hpp"
#include "cli/verb.hpp"

namespace pst::cli {

Runner add_follow(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  auto cancel = std::make_shared<bool>(false);
  add_run_arguments(app, *arguments);
  app.add_flag("--cancel-on-interrupt", *cancel, "Let Ctrl-C cancel the run; by default the run goes on");
  return [arguments, cancel] {
    return follow_run(arguments->find(), *cancel ? OnInterrupt::cancel : OnInterrupt::detach);
  };
}

}  // namespace pst::cli
