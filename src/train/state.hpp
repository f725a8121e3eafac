// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "train/step_guard.hpp"

namespace pst::train {

/// The evaluation with the lowest loss after at least one step, judged as transformers' EarlyStoppingCallback does.
struct BestState {
  std::optional<double> loss;
  std::int64_t step = -1;   ///< steps done when it was evaluated
  std::int64_t misses = 0;  ///< evaluations in a row, up to now, that did not better it by more than the threshold

  /// Takes in an evaluation. @return whether it is the best so far, which may be by less than the threshold
  bool take(double evaluated, std::int64_t at_step, double threshold);
  /// "3 evaluations in a row did not better the validation loss of step 40, 0.512, by more than 0.01"
  std::string why_stop(double threshold) const;
};

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
  BestState best;           ///< kept where the recipe wants the best values or stops early
  std::string ended_early;  ///< why, where it did; set by fit(), and not in checkpoints
  GuardState guard;
  double average_weight = 0, largest_lr = 0;  ///< optim::Averaging
};

nlohmann::ordered_json to_json(const TrainState& state);
/// @param name where it comes from, for messages. @throws Error(data) naming the key that is missing or wrong
TrainState state_from(const nlohmann::ordered_json& json, const std::string& name);

}  // namespace pst::train
