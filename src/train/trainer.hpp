// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>

#include "comm/communicator.hpp"
#include "data/prepared.hpp"
#include "nn/causal_lm.hpp"
#include "nn/parameter.hpp"
#include "nn/training_hook.hpp"
#include "objective/objective.hpp"
#include "optim/optimizer.hpp"
#include "parallel/flat_shares.hpp"
#include "train/kept_weights.hpp"
#include "train/observer.hpp"
#include "train/saver.hpp"
#include "train/settings.hpp"
#include "train/state.hpp"

namespace pst::train {

/// Everything the loop needs, handed over. References outlive the call.
struct Parts {
  const nn::CausalLm& model;
  const objective::Objective& objective;
  nn::ParameterSet& parameters;
  const data::PreparedSet& training;
  const data::PreparedSet* validation;  ///< nullptr: no evaluation
  comm::Communicator& group;            ///< of the ranks' hosts
  comm::Communicator& gradients;  ///< the same ranks: over which gradients are added; their GPUs' where there is one
  /// Of the parameters, of which each rank updates its own: one per rank, or one. A rank has the masters of all, or,
  /// where products use bf16 copies, of its share.
  const parallel::FlatShares& shares;
  optim::Optimizer& optimizer;
  KeptWeights& kept;
  Saver& saver;
  std::function<TrainState()> restore_newest;  ///< puts parameters and optimizer back; for the guard's `rollback`
  Observer& observer;
  nn::TrainingHook* hook = nullptr;  ///< the adapter's; not with shares of the parameters
};

/// Fine-tunes `parts.parameters` in place, from `state` on, and leaves in them what the run results in: the best values
/// or the averages, where the recipe wants them. Every rank calls it; every rank ends with the same bits, wherever the
/// run was cut and resumed.
/// @return the state after the last step
/// @throws Error(data) on every rank when the guard stops the run, or left out every step, or there is no validation
/// set to judge the run by; what Saver::edge() throws
TrainState fit(const Parts& parts, const Settings& settings, TrainState state);

}  // namespace pst::train
