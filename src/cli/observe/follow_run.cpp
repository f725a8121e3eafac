// SPDX-License-Identifier: Apache-2.0
#include "cli/observe/follow_run.hpp"

#include <signal.h>

#include <cctype>
#include <iostream>

#include "cluster/signals.hpp"
#include "console/live_line.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "runs/cancel_run.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"
#include "runs/progress.hpp"
#include "runs/run_monitor.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;
using rundir::State;

constexpr double kPoll_s = 0.5;       ///< of files
constexpr double kAskSlurm_s = 5;     ///< slurmctld serves everybody
constexpr double kFolderLags_s = 15;  ///< a network file system may show a line some seconds after Slurm ended the job

std::string line_for(const runs::LiveState& live, const std::optional<runs::Progress>& progress) {
  if (live.run.state == State::running && progress) return to_line(*progress);
  const std::string job = live.run.job_id ? cat("job ", *live.run.job_id, " ") : "";
  if (live.job)
    return cat(job, "is ", cluster::to_text(*live.job), live.run.state == State::running ? ", starting" : "");
  return cat(job, "is ", rundir::name_of(live.run.state),
             live.run.reason.empty() ? "" : cat(" (", live.run.reason, ")"));
}

[[noreturn]] void detach(const RunDir& run) {
  throw Error(Fault::stopped, cat("no longer following ", runs::handle(run), ", which goes on"),
              cat("peft-studio follow ", shell_quoted(runs::handle(run)), "   to watch it again, peft-studio cancel ",
                  shell_quoted(runs::handle(run)), "   to end it"));
}

Fault fault_for(int exit) {
  for (const Fault fault : {Fault::usage, Fault::data, Fault::unfit, Fault::bug, Fault::stopped})
    if (exit_status(fault) == exit) return fault;
  return Fault::transient;
}

/// What helps where nobody who saw the failure knew better. Remedies say RUN where they cannot know how the user calls
/// it.
std::string usual_remedy(const rundir::RunState& state) {
  switch (fault_for(state.exit)) {
    case Fault::usage: return "correct the recipe: peft-studio resume RUN --set KEY=VALUE";
    case Fault::data: return "correct or replace what is named, then: peft-studio resume RUN";
    case Fault::unfit: return "`peft-studio doctor` on that node says what it lacks; then: peft-studio resume RUN";
    case Fault::bug: return "please report this with what `peft-studio logs RUN` prints";
    case Fault::io:
    case Fault::transient:
    case Fault::stopped: break;
  }
  return "peft-studio resume RUN   goes on from the newest checkpoint";
}

std::string what_to_do(const RunDir& run, const rundir::RunState& state) {
  std::string remedy = state.remedy.empty() ? usual_remedy(state) : state.remedy;
  if (remedy.find("peft-studio logs") == std::string::npos && (state.attempt > 0 || state.job_id))
    remedy += "; what its processes said: peft-studio logs RUN";
  for (auto at = remedy.find(" RUN"); at != std::string::npos; at = remedy.find(" RUN", at + 1))
    if (at + 4 == remedy.size() || !std::isalnum(static_cast<unsigned char>(remedy[at + 4])))
      remedy.replace(at + 1, 3, runs::handle(run));
  return remedy;
}

}  // namespace

int report_end(const RunDir& run, const rundir::RunState& state) {
  if (state.state != State::completed)
    throw Error(fault_for(state.exit),
                cat("run ", runs::handle(run), " ", rundir::name_of(state.state),
                    state.reason.empty() ? "" : ": " + state.reason),
                what_to_do(run, state));
  const auto completed = run.read_completed().value();
  std::cout << "completed        " << completed.steps << " steps, " << grouped(completed.tokens) << " tokens in "
            << human_seconds(completed.seconds) << ", " << completed.ranks
            << (completed.ranks == 1 ? " rank\n" : " ranks\n");
  if (!completed.ended_early.empty()) std::cout << "stopped early    " << completed.ended_early << '\n';
  std::cout << "training loss    " << fixed(completed.train_loss, 3) << " (last step)\n";
  if (completed.validation_loss_before && completed.validation_loss_after)
    std::cout << "validation loss  " << fixed(*completed.validation_loss_before, 3) << " -> "
              << fixed(*completed.validation_loss_after, 3) << '\n';
  std::cout << "adapter          " << runs::handle(run) << "/adapter"
            << (completed.adapter_step ? cat(", the values after step ", *completed.adapter_step) : std::string())
            << '\n'
            << "talk to it       peft-studio generate --run " << shell_quoted(runs::handle(run)) << " --prompt \"...\""
            << std::endl;
  return 0;
}

int follow_run(const RunDir& run, OnInterrupt on_interrupt) {
  cluster::SignalQueue signals{SIGINT, SIGTERM, SIGHUP};
  runs::RunMonitor monitor(run);
  console::LiveLine line(std::cerr, console::kind_of_standard_error());
  runs::LiveState live = runs::live_state(run);
  double asked_at = monotonic_seconds();
  double alive_at = monotonic_seconds();
  bool cancelled = false;
  for (;;) {
    const auto progress = monitor.poll();
    if (monotonic_seconds() - asked_at > kAskSlurm_s || live.inferred) {
      live = runs::live_state(run);
      asked_at = monotonic_seconds();
    } else if (const auto written = rundir::read_state(run); rundir::is_final(written.state)) {
      live = {.run = written};
    }
    if (rundir::is_final(live.run.state)) {
      if (!live.inferred) break;
      if (monotonic_seconds() - alive_at > kFolderLags_s) break;
    } else {
      alive_at = monotonic_seconds();
      line.show(line_for(live, progress));
    }
    if (const auto signal = signals.wait(live.inferred ? 2 : kPoll_s)) {
      line.finish();
      if (*signal != SIGINT || on_interrupt == OnInterrupt::detach || cancelled) detach(run);
      std::cerr << "cancelling ..." << std::endl;
      runs::cancel_run(run);
      cancelled = true;
    }
  }
  if (const auto progress = monitor.poll()) line.show(to_line(*progress));
  line.finish();
  return report_end(run, live.run);
}

}  // namespace pst::cli
