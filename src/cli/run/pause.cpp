// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "cli/verb.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "runs/handle.hpp"
#include "runs/live_state.hpp"
#include "runs/run_monitor.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;
using rundir::State;

constexpr double kNow_s = 60;        ///< --now takes 10; the file system and Slurm may lag
constexpr double kSave_s = 11 * 60;  ///< the supervisor waits ten minutes for a save
constexpr double kSteps = 5;         ///< times the longest step, as the supervisor waits for a step

enum class How { after_the_step, now };

/// Jobs that only wait are taken out of the queue: nothing runs that could save anything.
void take_out(const RunDir& run, const runs::LiveState& live) {
  cluster::cancel(runs::jobs_of(live));
  run.event("paused", {{"reason", "taken out of the queue"}});
}

void ask(const RunDir& run, const runs::LiveState& live, How how) {
  run.event("pause-requested", {{"by", cluster::host_name()}, {"now", how == How::now}});
  if (live.run.job_id && !live.run.job_id->empty()) {
    auto others = runs::jobs_of(live);
    std::erase(others, *live.run.job_id);
    cluster::cancel(others);  // of a chain: they would start as soon as this one has ended
    return cluster::warn(*live.run.job_id);
  }
  if (live.run.attempt > 0 && cluster::signal_process(rundir::read_attempt(run, live.run.attempt).supervisor, SIGUSR2))
    return;
  throw Error(Fault::usage, cat("there is nothing to pause: run ", runs::handle(run), " has no job and no process"),
              "`peft-studio status` lists the runs that are at work");
}

/// Slurm drops a signal to a job whose script it is just about to start, so it is sent again until the run has ended.
/// @return its state once it is final, or when the time is over
rundir::RunState await_end(const RunDir& run, double deadline) {
  constexpr double kAgain_s = 3;  // a run that has heard it is gone by then, or on its way
  rundir::RunState now = rundir::read_state(run);
  double again = monotonic_seconds() + kAgain_s;
  while (!rundir::is_final(now.state) && monotonic_seconds() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    now = rundir::read_state(run);
    if (monotonic_seconds() < again || !now.job_id || now.job_id->empty() || rundir::is_final(now.state)) continue;
    again = monotonic_seconds() + kAgain_s;
    try {
      cluster::warn(*now.job_id);
    } catch (const Error&) {
      // It has ended a moment ago, or Slurm is busy: the next look tells.
    }
  }
  return now;
}

/// Says what is waited for. @return seconds after which it has taken too long
double tell_how_long(const RunDir& run, How how) {
  if (how == How::now) return kNow_s;
  runs::RunMonitor monitor(run);
  monitor.poll();
  const auto step = monitor.longest_step_s();
  std::cout << "run " << runs::handle(run) << " ends once the step at work is done and saved"
            << (step ? cat(" (the latest steps took up to ", human_seconds(*step), ")") : std::string())
            << "; `pause --now` ends it within ten seconds and loses what is not saved" << std::endl;
  return kSave_s + kSteps * step.value_or(0);
}

int pause(const RunDir& run, How how) {
  const runs::LiveState live = runs::live_state(run);
  const State state = live.run.state;
  if (rundir::is_final(state) || state == State::unknown)
    throw Error(Fault::usage, cat("there is nothing to pause: run ", runs::handle(run), " is ", rundir::name_of(state)),
                "`peft-studio status` lists the runs that are at work");
  double within_s = kNow_s;
  if (runs::waits_in_queue(live)) {
    take_out(run, live);
  } else {
    ask(run, live, how);
    within_s = tell_how_long(run, how);
  }

  const rundir::RunState now = await_end(run, monotonic_seconds() + within_s);
  if (!rundir::is_final(now.state))
    throw Error(Fault::transient,
                cat("run ", runs::handle(run), " was asked to pause and is still ", rundir::name_of(now.state)),
                cat("watch it with peft-studio status ", shell_quoted(runs::handle(run))));
  if (now.state != State::paused) {
    std::cout << "run " << runs::handle(run) << " is not paused but " << rundir::name_of(now.state) << ": "
              << now.reason << std::endl;
    return now.state == State::completed ? 0 : now.exit;
  }
  std::cout << "paused; go on with: peft-studio resume " << shell_quoted(runs::handle(run)) << std::endl;
  return 0;
}

/// Whatever waits first: else it would start in the place of what is paused.
int pause_sweep(const rundir::SweepDir& sweep, How how) {
  const auto runs = sweep.runs(sweep.read_record());
  const auto live = runs::live_states(runs);
  std::vector<std::string> waiting;
  std::vector<std::size_t> at_work;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (rundir::is_final(live[i].run.state) || live[i].run.state == State::unknown) continue;
    if (runs::waits_in_queue(live[i]))
      for (auto& job : runs::jobs_of(live[i])) waiting.push_back(std::move(job));
    else
      at_work.push_back(i);
  }
  if (waiting.empty() && at_work.empty())
    throw Error(Fault::usage, cat("there is nothing to pause: no run of sweep ", runs::handle(sweep), " waits or runs"),
                cat("peft-studio status ", shell_quoted(runs::handle(sweep))));
  cluster::cancel(waiting);
  for (std::size_t i = 0; i < runs.size(); ++i)
    if (!rundir::is_final(live[i].run.state) && runs::waits_in_queue(live[i]))
      runs[i].event("paused", {{"reason", "taken out of the queue"}});
  for (const std::size_t i : at_work) ask(runs[i], live[i], how);

  double within_s = kNow_s;
  for (const std::size_t i : at_work) within_s = std::max(within_s, tell_how_long(runs[i], how));
  const double deadline = monotonic_seconds() + within_s;
  std::size_t paused = waiting.size(), still_there = 0;
  for (const std::size_t i : at_work) {
    const State state = await_end(runs[i], deadline).state;
    if (state == State::paused) ++paused;
    if (!rundir::is_final(state)) ++still_there;
  }
  if (still_there > 0)
    throw Error(Fault::transient,
                cat(still_there, " runs of ", runs::handle(sweep), " were asked to pause and still go on"),
                cat("watch them with peft-studio status ", shell_quoted(runs::handle(sweep))));
  std::cout << paused << " runs paused; go on with: peft-studio resume " << shell_quoted(runs::handle(sweep))
            << std::endl;
  return 0;
}

int pause(const RunArguments& arguments, How how) {
  const auto found = rundir::find_run_or_sweep(arguments.run, arguments.output_dir);
  if (const auto* sweep = std::get_if<rundir::SweepDir>(&found)) return pause_sweep(*sweep, how);
  return pause(std::get<RunDir>(found), how);
}

}  // namespace

Runner add_pause(CLI::App& app) {
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(app, *arguments);
  auto now = std::make_shared<bool>(false);
  app.add_flag(
      "--now", *now,
      "End within ten seconds, and lose what a longer step has done; without it the step is finished and saved");
  return [arguments, now] { return pause(*arguments, *now ? How::now : How::after_the_step); };
}

}  // namespace pst::cli
