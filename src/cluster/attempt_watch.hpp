// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cluster/child.hpp"
#include "cluster/judge.hpp"
#include "cluster/patience.hpp"
#include "cluster/recovery.hpp"
#include "cluster/signals.hpp"
#include "heartbeat/listener.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// What was seen of a fault, beside how the attempt ended.
struct Seen {
  Ending ending;
  std::optional<Happening> fault;         ///< the first one
  std::vector<int> ranks;                 ///< that it is about
  std::vector<std::string> hosts;         ///< on which those were
  std::optional<double> noticed_after_s;  ///< from the last sign of life (or movement) until we noticed
  double deadline_s = 0;                  ///< of no_progress
};

/// What an attempt's watch may do to the world beyond its own child process.
struct WatchSettings {
  int attempt = 0;
  Patience patience;
  int failures_before = 0;                    ///< in a row, at the step where the attempt before ended
  std::int64_t newest_step = 0;               ///< that any attempt reached: beyond it the failures before are forgotten
  int polite_signal = 15;                     ///< what SIGTERM to us becomes for the launcher
  std::function<void()> on_tick;              ///< about twice a second
  std::function<void()> renew_lease;          ///< every two seconds. @throws Error when a newer attempt holds it
  std::function<void(const Seen&)> on_fault;  ///< as soon as it is noticed
  std::function<void()> end_step;             ///< makes Slurm end the step; called from another thread
  bool user_interrupt = false;
};

/// Watches the workers of one attempt until the launcher has left, reacting by the table of recovery.hpp.
class AttemptWatch {
 public:
  AttemptWatch(const rundir::RunDir& run, const WatchSettings& settings, heartbeat::Listener& listener,
               SignalQueue& signals, Child& workers);
  ~AttemptWatch();
  Seen watch();

 private:
  void happen(Happening happening);
  void look_at_ranks(double now);
  void look_for_result(double now);
  void take_signal(int number);
  void stop();
  double grace_s() const;
  void kill();
  void end_step_aside();
  std::vector<int> absent_ranks(double now);
  void note(Happening fault, std::vector<int> ranks, const std::string& what, double since);
  void note_who_left_first();

  const rundir::RunDir& run_;
  const WatchSettings& settings_;
  Patience patience_;
  heartbeat::Listener& listener_;
  SignalQueue& signals_;
  Child& workers_;
  ProgressWatch progress_;
  Stage stage_ = Stage::starting;
  Seen seen_;
  std::vector<heartbeat::RankSigns> ranks_;
  std::optional<double> timer_;
  int stop_signal_ = 0, interrupts_ = 0, kills_ = 0;
  double result_looked_at_ = 0, first_heard_at_ = 0;
  std::vector<std::thread> helpers_;
};

}  // namespace pst::cluster
