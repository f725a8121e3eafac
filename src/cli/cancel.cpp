#include <iostream>

#include "cli/command.hpp"
#include "cli/follow_run.hpp"

namespace pst::cli {

Command add_cancel(CLI::App& program) {
  CLI::App* app = program.add_subcommand("cancel", "End a run");
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(*app, *arguments);
  return {app, [arguments] {
            const auto run = arguments->find();
            cancel_run(run);
            std::cout << "asked " << handle(run) << " to end" << std::endl;
            return 0;
          }};
}

}  // namespace pst::cli
