// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "recipe/guard.hpp"

namespace pst::train {

/// What the guard remembers; part of a checkpoint, so that a resumed run judges as an undisturbed one does.
struct GuardState {
  std::vector<double> losses;  ///< of the last steps that were accepted, oldest first
  double norm_average = 0;     ///< exponential, over about 50 accepted steps
  std::int64_t accepted = 0;
  std::int64_t passed_over = 0;  ///< steps in a row, up to now
};

/// So many steps passed over in a row are no accident of the data: the parameters themselves are beyond recovery, and a
/// run that skipped to its end would count as completed.
constexpr std::int64_t kMostPassedOver = 10;

struct Finding {
  recipe::GuardAction action = recipe::GuardAction::warn;
  std::string what;    ///< "loss 4.1 is 2.6 times the lowest of the last 5 steps (1.58)"
  std::string remedy;  ///< what a person can do
};

/// Judges each step by its loss and gradient norm, which are the same on every rank, so all ranks find the same.
class Guard {
 public:
  Guard(recipe::Guard settings, GuardState state) : settings_(settings), state_(std::move(state)) {}

  /// @param grad_norm  before clipping
  std::optional<Finding> judge(double loss, double grad_norm) const;
  void accept(double loss, double grad_norm);  ///< the step counts: the next ones are compared with it
  void pass_over() { ++state_.passed_over; }   ///< it does not: skipped, or rolled back
  const GuardState& state() const { return state_; }

 private:
  std::optional<Finding> look(double loss, double grad_norm) const;
  recipe::Guard settings_;
  GuardState state_;
};

}  // namespace pst::train
