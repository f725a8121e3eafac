// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cluster/child.hpp"
#include "cluster/ladder.hpp"
#include "heartbeat/listener.hpp"
#include "rundir/run_dir.hpp"

namespace pst::cluster {

/// Keeps `peft-studio watch-host` running on another node than this one, for as long as there is another. With
/// --no-kill, Slurm lets a job whose batch host died run on for ever, with nobody in it (measured with 22.05); without,
/// it requeues the job after SlurmdTimeout. The watcher does it within seconds in both cases.
class WatcherStep {
 public:
  WatcherStep(rundir::RunDir run, std::filesystem::path program);

  /// To be called about once a second. Starts it, or starts it elsewhere when its node died.
  void tick(const heartbeat::Listener& listener, int attempt, const std::vector<NodeRecord>& nodes);

 private:
  std::string choose(const std::vector<NodeRecord>& nodes) const;

  rundir::RunDir run_;
  std::filesystem::path program_;
  std::unique_ptr<Child> child_;
  std::string node_;
  double started_at_ = 0;
};

}  // namespace pst::cluster
