// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>

#include "app/ranks.hpp"
#include "app/resolve_auto.hpp"
#include "families/spec.hpp"
#include "rundir/run_dir.hpp"
#include "telemetry/node_recorder.hpp"
#include "train/observer.hpp"
#include "train/state.hpp"

namespace pst::app {

/// What a run's ranks leave behind about their steps: every rank its times, the first of each node the file
/// (docs/formats/metrics.md).
class Journal {
 public:
  /// Collective. @throws Error(io) on every rank when a node's file cannot be made
  Journal(const rundir::RunDir& run, int attempt, const Ranks& ranks, const Resolved& resolved,
          const families::ModelSpec& model);

  void model_loaded(std::int64_t adapter_parameters);  ///< what a step costs is known from here on
  void step(const train::StepRecord& record);
  void eval(const train::EvalRecord& record);
  /// Everything so far is in the file, or two seconds have passed.
  void flush();
  void end(const train::TrainState& state);

 private:
  families::ModelSpec model_;
  int local_rank_ = 0;
  std::optional<telemetry::PhaseBoard> board_;
  std::unique_ptr<telemetry::NodeRecorder> recorder_;  ///< of a node's first rank; before the board it reads
};

}  // namespace pst::app
