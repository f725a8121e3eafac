// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <atomic>
#include <cstdlib>
#include <iostream>

#include "cli/verb.hpp"
#include "cluster/process_mark.hpp"
#include "cluster/signals.hpp"
#include "cluster/slurm.hpp"
#include "cluster/slurm_job.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "heartbeat/sender.hpp"
#include "rundir/lease.hpp"
#include "rundir/run_state.hpp"

namespace pst::cli {
namespace {

using rundir::RunDir;

constexpr double kSilent_s = 8;  ///< of the heartbeats, and of the lease
constexpr double kTryAgain_s = 2;

/// The heartbeats' silence may be our own link's: the lease reaches us on another way.
bool supervisor_lives(const RunDir& run) {
  const auto lease = rundir::read_lease(run);
  return lease && unix_seconds() - lease->renewed < kSilent_s;
}

/// The supervisor has left in good order: what becomes of the job is its decision.
bool left_in_order(const RunDir& run) {
  const auto lease = rundir::read_lease(run);
  return lease && lease->renewed == 0;
}

/// A run that is at its end needs no second try, but a job without a supervisor would hold its nodes until the time
/// limit.
void take_over(const RunDir& run, int attempt) {
  if (rundir::is_final(rundir::read_state(run).state)) {
    const char* const job = std::getenv("SLURM_JOB_ID");
    return cluster::cancel(job ? job : "");
  }
  const std::string reason = "the job's first node has not been heard; its supervisor is lost with it";
  cluster::requeue(cluster::requeue_id());
  run.event("requeued", {{"attempt", attempt}, {"by", cluster::host_name()}, {"reason", reason}});
}

/// Until the supervisor is silent or we are told to end. @return whether it is silent
bool listen(const RunDir& run, int attempt, cluster::SignalQueue& signals) {
  std::atomic<bool> silent{false}, orphan{false};
  const heartbeat::Sender sender({.endpoint = heartbeat::read_endpoint(run.heartbeat_file(attempt)),
                                  .attempt = 0,
                                  .rank = heartbeat::kWatcher,
                                  .host = cluster::host_name(),
                                  .gone_after_s = kSilent_s,
                                  .end = [&](heartbeat::Gone gone, const std::string&) {
                                    (gone == heartbeat::Gone::supervisor ? silent : orphan) = true;
                                  }});
  while (!silent && !orphan)
    if (signals.wait(0.2)) return false;
  return silent;
}

int watch(const RunDir& run, int attempt) {
  cluster::SignalQueue signals{SIGTERM, SIGINT, SIGHUP};
  while (listen(run, attempt, signals)) {
    while (!supervisor_lives(run)) {
      if (left_in_order(run)) return 0;
      try {
        take_over(run, attempt);
        return 0;
      } catch (const Error& error) {
        std::cerr << error.what() << std::endl;
      }
      if (signals.wait(kTryAgain_s)) return 0;
    }
  }
  return 0;
}

}  // namespace

Runner add_watch_host(CLI::App& app) {
  struct Arguments {
    std::string run;
    int attempt = 1;
  };
  auto arguments = std::make_shared<Arguments>();
  app.add_option("RUN", arguments->run, "Folder of the run")->required();
  app.add_option("--attempt", arguments->attempt, "Number of the attempt, from 1")->required();
  return [arguments] { return watch(RunDir::find(arguments->run, "."), arguments->attempt); };
}

}  // namespace pst::cli
