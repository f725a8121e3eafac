// SPDX-License-Identifier: Apache-2.0
#include "app/training_state.hpp"

#include "parallel/share_exchange.hpp"

namespace pst::app {
namespace {

/// As many shares of the optimizer's state as there are ranks, or one that every rank has.
int shares_of(const recipe::Parallel& parallel, int ranks) {
  return parallel.optimizer == recipe::OptimizerState::shard ? ranks : 1;
}

/// Before what is laid out as the masters that stay. @return where they are
parallel::Range keep_own(nn::ParameterSet& parameters, const optim::Optimizer& optimizer) {
  parameters.keep(optimizer.mine().begin, optimizer.mine().end);
  return optimizer.mine();
}

}  // namespace

TrainingState::TrainingState(const Run& run, const Hardware& hardware, const Ranks& ranks, nn::ParameterSet& parameters,
                             const nn::TrainingHook* hook)
    : parameters_(parameters),
      devices_(hardware.devices(ranks)),
      shares_(parameters, shares_of(run.recipe.parallel, ranks.world.size()),
              recipe::piece_of(recipe::cut_of(run.recipe.optimizer), nn::ParameterSet::kBorder)),
      optimizer_(run.recipe.optimizer, parameters, shares_, ranks.world.rank()),
      kept_(run.recipe.train, parameters, shares_, keep_own(parameters, optimizer_)),
      host_(parameters, optimizer_, shares_, ranks.world.rank(), hook, &kept_),
      resumer_(ranks.world, run.dir, run.record, run.recipe, keys_that_alter(run.recipe, hardware.resolved),
               run.attempt) {}

train::TrainState TrainingState::start() {
  const auto resumed = resumer_.start(host_.tensors());
  if (resumed) after_reading();
  return resumed.value_or(train::TrainState{});
}

train::TrainState TrainingState::restore_newest() {
  train::TrainState state = resumer_.restore_newest(host_.tensors());
  after_reading();
  return state;
}

void TrainingState::gather_result() {
  optimizer_.exchange_averaged(parameters_);
  if (parameters_.has_all()) {
    if (optimizer_.averages() && shares_.ranks() > 1) gather(parameters_.flat());
    return;
  }
  parameters_.keep_all();
  gather(parameters_.flat());
}

void TrainingState::after_reading() {
  host_.push();
  parameters_.refresh_compute();
  if (!parameters_.has_all()) gather(parameters_.flat_compute());
}

void TrainingState::gather(const at::Tensor& flat) {
  parallel::ExchangeBuffers buffers(devices_);
  parallel::gather_shares(flat, shares_, buffers);
}

}  // namespace pst::app
