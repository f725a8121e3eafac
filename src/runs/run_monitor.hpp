// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"
#include "runs/curve.hpp"
#include "runs/progress.hpp"
#include "telemetry/line_tail.hpp"

namespace pst::runs {

/// When a node last wrote into its log.
struct NodeSign {
  std::string name;
  double age_s = 0;
};

/// Follows the node logs of a run's newest attempt.
class RunMonitor {
 public:
  explicit RunMonitor(rundir::RunDir run) : run_(std::move(run)) {}

  /// Reads what is new. Nothing before the first record of an attempt. Files that cannot be read just now are left for
  /// the next call.
  const std::optional<Progress>& poll();
  /// The training losses that poll() has seen.
  const Curve& losses() const { return losses_; }
  std::vector<NodeSign> nodes() const;
  /// The longest of the latest steps that poll() has seen; nothing before the first.
  std::optional<double> longest_step_s() const;

 private:
  void apply(const nlohmann::ordered_json& record);
  rundir::RunDir run_;
  int attempt_ = 0;
  std::map<std::string, telemetry::LineTail> tails_;  ///< by file name
  std::optional<Progress> progress_;
  Curve losses_;
  std::deque<double> step_seconds_;  ///< of the latest steps, for the time left
};

}  // namespace pst::runs
