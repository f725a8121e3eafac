// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "cluster/child.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// The process beside a supervisor that shows metrics and judges alerts (`peft-studio monitor`). It is a process of its
/// own so that nothing in it - an HTTP server, a webhook that hangs, a file system that does not answer - can hold up
/// or end the supervisor. When it dies it is started again, twice; then the run goes on without.
class MonitorProcess {
 public:
  static constexpr int kStarts = 3;
  static constexpr double kLastWords_s = 15;  ///< that the end of a run waits for messages to be delivered

  /// Never throws: an event says what went wrong.
  /// @param settings  a program that ends in good order at SIGUSR1, and at once after its work with `--once`
  MonitorProcess(const rundir::RunDir& run, ChildSettings settings);
  ~MonitorProcess();
  void look();  ///< now and then
  /// Lets it look once more and deliver what that brings. The run's last event must be written before.
  void end();

 private:
  void start();
  std::optional<int> await_end(double deadline);
  const rundir::RunDir& run_;
  ChildSettings settings_;
  std::vector<std::unique_ptr<Child>> children_;  ///< dead ones too: a Child takes what else died with it along
  bool wanted_ = true;
};

}  // namespace pst::cluster
