// SPDX-License-Identifier: Apache-2.0
#include "cluster/monitor_process.hpp"

#include <signal.h>

#include <chrono>
#include <thread>
#include <utility>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"

namespace pst::cluster {

MonitorProcess::MonitorProcess(const rundir::RunDir& run, ChildSettings settings)
    : run_(run), settings_(std::move(settings)) {
  start();
}

MonitorProcess::~MonitorProcess() { end(); }

void MonitorProcess::start() {
  try {
    children_.push_back(std::make_unique<Child>(settings_));
  } catch (const Error& error) {
    wanted_ = false;
    run_.try_event("monitor-lost", {{"reason", error.message()}, {"remedy", error.remedy()}});
  }
}

void MonitorProcess::look() {
  if (!wanted_) return;
  const auto status = children_.back()->poll();
  if (!status) return;
  const bool again = children_.size() < static_cast<std::size_t>(kStarts);
  run_.try_event("monitor-lost",
                 {{"reason", cat("the monitor ended with status ", *status)},
                  {"remedy", again ? "it is started again" : "the run goes on without metrics and alerts"}});
  wanted_ = again;
  if (again) start();
}

std::optional<int> MonitorProcess::await_end(double deadline) {
  for (;;) {
    const auto status = children_.back()->poll();
    if (status || monotonic_seconds() > deadline) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void MonitorProcess::end() {
  if (!std::exchange(wanted_, false)) return;
  const double deadline = monotonic_seconds() + kLastWords_s;
  // Not SIGTERM: Slurm sends that to every process of a job that it cancels, and the run may not be at its end then.
  children_.back()->signal(SIGUSR1);
  if (await_end(deadline) == 128 + SIGUSR1) {  // the run was so short that it had not begun to listen
    settings_.argv.emplace_back("--once");
    start();
    await_end(deadline);
  }
  children_.clear();  // whatever is left of it is killed
}

}  // namespace pst::cluster
