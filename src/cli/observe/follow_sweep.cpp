// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/follow_sweep.hpp"

#include <signal.h>

#include <iostream>

#include "cli/observe/sweep_table.hpp"
#include "cluster/signals.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/handle.hpp"
#include "runs/sweep_view.hpp"

namespace pst::cli {

int follow_sweep(const rundir::SweepDir& sweep) {
  constexpr double kPoll_s = 3;  // Slurm is asked every time
  cluster::SignalQueue signals{SIGINT, SIGTERM, SIGHUP};
  console::LiveLine line(std::cerr, console::kind_of_standard_error());
  runs::SweepView view = runs::look_at(sweep);
  while (!is_over(view)) {
    line.show(summary(view));
    if (signals.wait(kPoll_s)) {
      line.finish();
      throw Error(Fault::stopped, cat("no longer following ", runs::handle(sweep), ", which goes on"),
                  cat("peft-studio watch ", shell_quoted(runs::handle(sweep)),
                      "   to watch it again, peft-studio cancel ", shell_quoted(runs::handle(sweep)), "   to end it"));
    }
    view = runs::look_at(sweep);
  }
  line.finish();
  runs::write_results_when_over(sweep);  // of a run that was killed nobody else could
  print_sweep(std::cout, view);
  for (const auto& row : view.rows)
    if (row.live.run.state != rundir::State::completed) return exit_status(Fault::transient);
  return 0;
}

}  // namespace pst::cli
