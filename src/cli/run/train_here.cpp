// SPDX-License-Identifier: Apache-2.0
#include "cli/run/train_here.hpp"

#include <signal.h>

#include <iostream>

#include "cli/observe/follow_run.hpp"
#include "cluster/process_mark.hpp"
#include "cluster/program_path.hpp"
#include "cluster/supervisor.hpp"
#include "console/live_line.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "monitor/monitor.hpp"
#include "recipe/load.hpp"
#include "rundir/run_state.hpp"
#include "runs/run_monitor.hpp"
#include "runs/usable_cores.hpp"

namespace pst::cli {

int train_here(const rundir::RunDir& run, int ranks, int cores_per_rank) {
  const cluster::LocalCores cores{runs::usable_cores(), cores_per_rank};
  if (cores_per_rank * ranks > cores.all)
    throw Error(Fault::usage,
                cat(ranks, ranks == 1 ? " rank" : " ranks", " of ", cores_per_rank, " cores do not fit the ", cores.all,
                    " cores that may be used here"),
                "lower --cores-per-rank or --ranks");
  const auto worker = cluster::worker_program();
  ::signal(SIGPIPE, SIG_IGN);  // a reader of our output that leaves does not end the training
  runs::RunMonitor monitor(run);
  const auto recipe = recipe::load(run.recipe());
  console::LiveLine line(std::cerr, console::kind_of_standard_error());
  cluster::supervise(
      run,
      {.launch = [&](int attempt, const auto&) { return cluster::local_launch(ranks, cores, run, attempt, worker); },
       .host = cluster::host_name(),
       .max_restarts = recipe.slurm.max_restarts,
       .reach = heartbeat::Reach::this_user,
       // Into a file: on the terminal it would stand in the middle of the line of progress.
       .monitor = monitor::monitor_child(run, recipe, cluster::own_program(), run.root() / "monitor.log"),
       .on_tick =
           [&] {
             const auto progress = monitor.poll();
             line.show(progress ? to_line(*progress) : cat("starting ", ranks, ranks == 1 ? " rank" : " ranks"));
           }});
  line.finish();
  return report_end(run, rundir::read_state(run));
}

}  // namespace pst::cli
