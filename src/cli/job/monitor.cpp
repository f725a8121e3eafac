// SPDX-License-Identifier: Apache-2.0
#include "monitor/monitor.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "cli/verb.hpp"
#include "cluster/signals.hpp"
#include "core/clock.hpp"
#include "recipe/load.hpp"

namespace pst::cli {
namespace {

struct MonitorArguments {
  std::string run;
  bool supervised = false, once = false;
};

int monitor(const MonitorArguments& arguments) {
  // From before any thread: all of them leave these to us.
  cluster::SignalQueue signals{SIGTERM, SIGINT, SIGHUP, SIGUSR1};
  ::signal(SIGPIPE, SIG_IGN);
  const pid_t parent = ::getppid();
  const auto is_told_to_end = [&](double seconds) {
    const double deadline = monotonic_seconds() + seconds;
    for (;;) {
      const auto signal = signals.wait(std::max(0.0, deadline - monotonic_seconds()));
      if (!signal) return false;
      // A supervisor says SIGUSR1. Anything else comes from Slurm to the whole job, or because the supervisor is dead.
      if (!arguments.supervised || *signal == SIGUSR1 || ::getppid() != parent) return true;
    }
  };
  const auto run = rundir::RunDir::find(arguments.run, ".");
  pst::monitor::watch_over(run, recipe::load(run.recipe()),
                           [&](double seconds) { return arguments.once || is_told_to_end(seconds); });
  return 0;
}

}  // namespace

Runner add_monitor(CLI::App& app) {
  auto arguments = std::make_shared<MonitorArguments>();
  app.add_option("RUN", arguments->run, "Folder of the run")->required();
  app.add_flag("--supervised", arguments->supervised, "End at SIGUSR1 only, or when the parent is gone");
  app.add_flag("--once", arguments->once, "Look once, and end");
  return [arguments] { return monitor(*arguments); };
}

}  // namespace pst::cli
