// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>

#include "core/trace.hpp"
#include "train/state.hpp"
#include "train/step_guard.hpp"

namespace pst::train {

/// One optimizer step as it is recorded. Times are this rank's, in seconds.
struct StepRecord {
  std::int64_t step = 0, total_steps = 0;                  ///< step counts from 1
  double loss = 0;                                         ///< mean over the labelled tokens of the step, all ranks
  std::optional<double> balance_loss;                      ///< mean over its micro batches; nothing: there is none
  double lr = 0, grad_norm = 0;                            ///< norm before clipping
  std::int64_t rows = 0, tokens = 0, labelled_tokens = 0;  ///< all ranks
  std::int64_t attention_pairs = 0;                        ///< all ranks: what attention's cost goes by
  bool skipped = false;                                    ///< the guard passed over it: nothing was updated
  /// From step edge to step edge, without evaluation; what follows adds up to it.
  double step_s = 0;
  double data_s = 0, forward_s = 0, backward_s = 0, optimizer_s = 0;
  double waiting_s = 0;     ///< for other ranks: at the step's edge, before gradients are exchanged, and for weights
  double transfer_s = 0;    ///< the exchange of gradients
  double checkpoint_s = 0;  ///< that saving kept the loop, before this step and at its end
  double other_s = 0;
};

struct EvalRecord {
  std::int64_t step = 0;  ///< optimizer steps done before
  double loss = 0;        ///< mean over the labelled tokens of the validation set
  std::int64_t labelled_tokens = 0;
  double seconds = 0;
};

/// Whom the loop tells what happens, on every rank. By default nobody wants to know.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Before every step. @return whom the step's work tells its spans; nullptr: nobody. May be collective
  virtual trace::Sink* trace_of_step(std::int64_t /*step*/) { return nullptr; }
  /// The guard objects to a step, which has not been applied yet.
  virtual void on_finding(std::int64_t /*step*/, const Finding& /*finding*/) {}
  virtual void on_step(const StepRecord& /*step*/) {}
  virtual void on_eval(const EvalRecord& /*eval*/) {}
  /// The run ends before its last step, because the validation loss no longer falls.
  virtual void on_early_stop(const TrainState& /*state*/) {}
};

}  // namespace pst::train
