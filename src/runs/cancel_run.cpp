// SPDX-License-Identifier: Apache-2.0
#include "runs/cancel_run.hpp"

#include <signal.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"

namespace pst::runs {

void cancel_run(const rundir::RunDir& run) {
  const LiveState live = live_state(run);
  if (rundir::is_final(live.run.state))
    throw Error(Fault::usage,
                cat("there is nothing to cancel: run ", handle(run), " is ", rundir::name_of(live.run.state)),
                "`peft-studio status` lists the runs that are at work");
  run.event("cancel-requested", {{"by", cluster::host_name()}});
  if (const auto jobs = jobs_of(live); !jobs.empty()) {
    cluster::cancel(jobs);
    // Nothing of it runs that could say so; and should it have started just now, it says the same.
    if (waits_in_queue(live)) run.event("cancelled", {{"reason", "taken out of the queue"}});
    return;
  }
  if (live.run.attempt > 0 && cluster::signal_process(rundir::read_attempt(run, live.run.attempt).supervisor, SIGTERM))
    return;
  throw Error(Fault::usage, cat("there is nothing to cancel: run ", handle(run), " has no job and no process"),
              "`peft-studio status` lists the runs that are at work");
}

}  // namespace pst::runs
