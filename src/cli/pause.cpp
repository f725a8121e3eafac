#include <signal.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "cli/command.hpp"
#include "cli/follow_run.hpp"
#include "cli/live_state.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;
using rundir::State;

constexpr double kWithin_s = 60;  ///< it takes 10; the file system and Slurm may lag

/// A job that only waits is taken out of the queue: nothing runs that could save anything.
void take_out(const RunDir& run, const std::string& job) {
  cluster::cancel(job);
  run.event("paused", {{"reason", "taken out of the queue"}});
}

void ask(const RunDir& run, const LiveState& live) {
  run.event("pause-requested", {{"by", cluster::host_name()}});
  if (live.run.job_id && !live.run.job_id->empty()) return cluster::warn(*live.run.job_id);
  if (live.run.attempt > 0 && cluster::signal_process(rundir::read_attempt(run, live.run.attempt).supervisor, SIGUSR2))
    return;
  throw Error(Fault::usage, cat("there is nothing to pause: run ", handle(run), " has no job and no process"));
}

int pause(const RunDir& run) {
  const LiveState live = live_state(run);
  const State state = live.run.state;
  if (rundir::is_final(state) || state == State::unknown)
    throw Error(Fault::usage, cat("there is nothing to pause: run ", handle(run), " is ", rundir::name_of(state)));
  const bool waits = live.job && (state == State::pending || state == State::requeued);
  if (waits)
    take_out(run, *live.run.job_id);
  else
    ask(run, live);

  const double deadline = monotonic_seconds() + kWithin_s;
  rundir::RunState now = rundir::read_state(run);
  while (!rundir::is_final(now.state) && monotonic_seconds() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    now = rundir::read_state(run);
  }
  if (!rundir::is_final(now.state))
    throw Error(Fault::transient,
                cat("run ", handle(run), " was asked to pause and is still ", rundir::name_of(now.state)),
                cat("watch it with peft-studio status ", handle(run)));
  if (now.state != State::paused) {
    std::cout << "run " << handle(run) << " is not paused but " << rundir::name_of(now.state) << ": " << now.reason
              << std::endl;
    return now.state == State::completed ? 0 : now.exit;
  }
  std::cout << "paused; go on with: peft-studio resume " << handle(run) << std::endl;
  return 0;
}

}  // namespace

Command add_pause(CLI::App& program) {
  CLI::App* app = program.add_subcommand("pause", "Let a run save its state and free its nodes");
  auto arguments = std::make_shared<RunArguments>();
  add_run_arguments(*app, *arguments);
  return {app, [arguments] { return pause(arguments->find()); }};
}

}  // namespace pst::cli
