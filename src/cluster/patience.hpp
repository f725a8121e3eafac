// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "heartbeat/listener.hpp"

namespace pst::cluster {

/// How long a supervisor waits for what. Seconds.
struct Patience {
  double lost_after = 1;       ///< from the end of a rank's connection: it may have been the network, and come back
  double silent_after = 3.5;   ///< beats come every second
  double come_within = 30;     ///< of the first rank's first beat, for the others'
  double join_within = 60;     ///< in MPI_Init: a message of PMIx that got lost is never sent again
  double start_within = 600;   ///< until a rank that starts, evaluates, saves or finishes has to move
  double floor = 15;           ///< of the learned deadline: a busy file system may hold a step up
  double grace = 25;           ///< from the signal to stop until the kill; Slurm's own KillWait is 30 s by default
  double pause_now_grace = 8;  ///< `peft-studio pause --now` promises the nodes within 10 s
  double warning_grace = 90;   ///< after SIGUSR2, which comes long before the end
  double linger = 3;           ///< for a launcher whose ranks have proved their result
  double kill = 1;             ///< from one means of ending a step to the next, harder one
};

/// Patience after `failures` failures in a row at one step: four times as much for each, for a start four times in all.
/// A node that is overloaded, or stopped for some seconds, looks as one that hangs, and would fail three times alike.
Patience after_failures(Patience patience, int failures);

/// Learns from the beats how long a step takes, and tells when nobody has moved for too long: five times the 99th
/// percentile of the step times seen so far, but never less than the floor.
class ProgressWatch {
 public:
  explicit ProgressWatch(const Patience& patience) : patience_(patience) {}
  void set_patience(const Patience& patience) { patience_ = patience; }

  void look(const std::vector<heartbeat::RankSigns>& ranks, double now);
  /// Within which somebody has to move, as things are: generous unless ranks are in the middle of training steps.
  double deadline_s() const { return deadline_s_; }
  /// What a pause waits: for the end of the step at work, however long steps are, and for the save.
  double step_and_save_s() const { return deadline_s_ + patience_.start_within; }
  bool is_over(double now) const { return now - moved_at_ > deadline_s_; }
  double moved_at() const { return moved_at_; }
  std::int64_t step() const { return step_; }  ///< the highest seen

 private:
  void learn(double step_s);

  Patience patience_;
  std::vector<double> step_times_;  ///< the latest, in the order in which they came
  std::size_t next_ = 0;
  std::int64_t step_ = 0;
  double stepped_at_ = 0, moved_at_ = 0, learned_s_ = 0, deadline_s_ = 0;
};

}  // namespace pst::cluster
