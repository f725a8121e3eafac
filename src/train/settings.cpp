// SPDX-License-Identifier: Apache-2.0
#include "train/settings.hpp"

#include "recipe/recipe.hpp"

namespace pst::train {

Settings settings_of(const recipe::Recipe& recipe, nn::Recompute recompute) {
  return {.train = recipe.train,
          .optimizer = recipe.optimizer,
          .scheduler = recipe.scheduler,
          .evaluate = recipe.evaluate,
          .guard = recipe.guard,
          .packing = recipe.data.packing,
          .shuffle = recipe.data.shuffle,
          .remainder = recipe.data.remainder,
          .max_length = recipe.data.max_length,
          .recompute = recompute};
}

}  // namespace pst::train
