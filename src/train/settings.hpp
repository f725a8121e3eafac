// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "nn/causal_lm.hpp"
#include "recipe/data.hpp"
#include "recipe/guard.hpp"
#include "recipe/optimizers.hpp"
#include "recipe/schedules.hpp"
#include "recipe/train.hpp"

namespace pst::recipe {
struct Recipe;
}

namespace pst::train {

/// What the loop and the evaluation do, as the recipe says it.
struct Settings {
  recipe::Train train;
  recipe::Optimizer optimizer;
  recipe::Scheduler scheduler;
  recipe::Evaluate evaluate;
  recipe::Guard guard;
  bool packing = true, shuffle = true;
  recipe::Remainder remainder = recipe::Remainder::step;
  int max_length = 1024;  ///< tokens of a row
  nn::Recompute recompute = nn::Recompute::nothing;
  double balance = 0;  ///< factor of the loss that balances experts; 0: there is none
};

/// @param recompute  what the recipe's train.gradient_checkpointing came to on this machine
Settings settings_of(const recipe::Recipe& recipe, nn::Recompute recompute);

}  // namespace pst::train
