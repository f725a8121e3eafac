// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "train/step_guard.hpp"

namespace pst::train {

/// Where a run is, beside its tensors. With those it is everything: data order, dropout and learning rate are functions
/// of the step and the recipe.
struct TrainState {
  std::int64_t step = 0;     ///< steps done, skipped ones included: the next step's data
  std::int64_t updates = 0;  ///< of the parameters: what a bias correction counts
  std::int64_t tokens = 0;
  double last_loss = 0, seconds = 0;
  std::optional<double> validation_before, validation_after;
  std::int64_t evaluated_at = -1;  ///< step of validation_after
  std::optional<double> validation_best;
  GuardState guard;
  double average_weight = 0, largest_lr = 0;  ///< optim::Averaging
};

nlohmann::ordered_json to_json(const TrainState& state);
/// @param name where it comes from, for messages. @throws Error(data) naming the key that is missing or wrong
TrainState state_from(const nlohmann::ordered_json& json, const std::string& name);

}  // namespace pst::train
