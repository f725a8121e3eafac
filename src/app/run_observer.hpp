// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "app/journal.hpp"
#include "app/profiling.hpp"
#include "app/run.hpp"
#include "app/step_hold.hpp"
#include "app/vital_signs.hpp"
#include "comm/communicator.hpp"
#include "rundir/run_dir.hpp"
#include "train/observer.hpp"

namespace pst::app {

/// Passes on what the loop tells: to the supervisor, the journal, the profile and the run's events.
class RunObserver final : public train::Observer {
 public:
  RunObserver(const Run& run, const comm::Communicator& world, VitalSigns& signs, Journal& journal,
              Profiling& profiling);

  trace::Sink* trace_of_step(std::int64_t step) override { return profiling_.step(step); }
  void on_finding(std::int64_t step, const train::Finding& finding) override;
  void on_step(const train::StepRecord& step) override;
  void on_early_stop(const train::TrainState& state) override;
  void on_eval(const train::EvalRecord& eval) override { journal_.eval(eval); }

 private:
  const rundir::RunDir& run_;
  const StepHold hold_;
  const comm::Communicator& world_;
  VitalSigns& signs_;
  Journal& journal_;
  Profiling& profiling_;
};

}  // namespace pst::app
