// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>

#include "app/ranks.hpp"
#include "recipe/profile.hpp"
#include "rundir/run_dir.hpp"
#include "telemetry/profile_recorder.hpp"

namespace pst::app {

/// What the recipe's section `profile` asks for, on this rank. Outlives whoever it gave a listener to.
class Profiling {
 public:
  Profiling(const recipe::Profile& asked, const rundir::RunDir& run, int attempt, const Ranks& ranks);

  /// Before every step, by every rank: at both ends of what is traced the nodes' clocks are compared.
  /// @return whom the step's work is to tell, or nullptr
  trace::Sink* step(std::int64_t step);
  /// After the last step.
  void end() { step(0); }
  /// For threads beside the training: spans before and after the traced steps are ignored. nullptr: nothing is traced.
  trace::Sink* sink() { return recorder_.get(); }

 private:
  void compare_clocks();

  recipe::Profile asked_;
  Ranks ranks_;
  std::unique_ptr<telemetry::ProfileRecorder> recorder_;
  bool tracing_ = false;
};

}  // namespace pst::app
