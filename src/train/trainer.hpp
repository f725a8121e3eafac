// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>

#include "comm/communicator.hpp"
#include "core/trace.hpp"
#include "data/order.hpp"
#include "data/prepared.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"
#include "objective/objective.hpp"
#include "recipe/guard.hpp"
#include "recipe/train.hpp"
#include "train/guard.hpp"
#include "train/saver.hpp"
#include "train/state.hpp"

namespace pst::train {

/// One optimizer step as it is recorded. Times are this rank's, in seconds.
struct StepRecord {
  std::int64_t step = 0, total_steps = 0;                  ///< step counts from 1
  double loss = 0;                                         ///< mean over the labelled tokens of the step, all ranks
  double lr = 0, grad_norm = 0;                            ///< norm before clipping
  std::int64_t rows = 0, tokens = 0, labelled_tokens = 0;  ///< all ranks
  std::int64_t attention_pairs = 0;                        ///< all ranks: sum of the documents' lengths squared
  bool skipped = false;                                    ///< the guard passed over it: nothing was updated
  /// From step edge to step edge, without evaluation; what follows adds up to it.
  double step_s = 0;
  double data_s = 0, forward_s = 0, backward_s = 0, optimizer_s = 0;
  double waiting_s = 0;     ///< for other ranks: at the step's edge, before gradients are exchanged, and for weights
  double weights_s = 0;     ///< the part of waiting_s that was for frozen weights
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

/// Everything the loop needs, handed over. References outlive the trainer.
struct Parts {
  const nn::CausalLm& model;
  const objective::Objective& objective;
  nn::ParameterSet& parameters;
  const data::PreparedSet& training;
  const data::PreparedSet* validation;  ///< nullptr: no evaluation
  comm::Communicator& group;            ///< of the ranks' hosts
  comm::Communicator&
      gradients;  ///< the same ranks: over which gradients are added; their GPUs' group where there is one
  std::function<void(const StepRecord&)> on_step;
  std::function<void(const EvalRecord&)> on_eval;
  /// Of the parameters, of which each rank updates its own: one per rank, or one. A rank has the masters of all, or,
  /// where products use bf16 copies, of its share.
  const parallel::FlatShares& shares;
  const Moments& moments;
  Saver& saver;
  std::function<TrainState()> restore_newest;  ///< puts parameters and moments back; for the guard's `rollback`
  std::function<void(std::int64_t step, const Finding&)> on_finding;
  /// Asked before every step: whom to tell its spans, nullptr for nobody. May be collective. Empty: never
  std::function<trace::Sink*(std::int64_t step)> trace_of_step;
};

struct Settings {
  recipe::Train train;
  recipe::Optimizer optimizer;
  recipe::Scheduler scheduler;
  recipe::Evaluate evaluate;
  recipe::Guard guard;
  bool packing = true, shuffle = true;
  int max_length = 1024;
  nn::Recompute recompute = nn::Recompute::nothing;
};

std::int64_t total_steps(const data::DataOrder& order, const recipe::Train& train);

/// Fine-tunes `parts.parameters` in place, from `state` on. Every rank calls it; every rank ends with the same bits,
/// wherever the run was cut and resumed.
/// @return the state after the last step
TrainState fit(const Parts& parts, const Settings& settings, TrainState state);

}  // namespace pst::train
