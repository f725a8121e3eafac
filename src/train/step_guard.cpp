// SPDX-License-Identifier: Apache-2.0
#include "train/step_guard.hpp"

#include <algorithm>
#include <cmath>

#include "core/strings.hpp"

namespace pst::train {

std::optional<Finding> Guard::judge(double loss, double grad_norm) const {
  auto finding = look(loss, grad_norm);
  if (!finding || finding->action == recipe::GuardAction::warn || state_.passed_over < kMostPassedOver) return finding;
  finding->action = recipe::GuardAction::stop;
  finding->what += cat(", after ", state_.passed_over, " steps in a row that were passed over");
  return finding;
}

std::optional<Finding> Guard::look(double loss, double grad_norm) const {
  if (!std::isfinite(loss) || !std::isfinite(grad_norm))
    return Finding{settings_.not_finite, cat("loss ", loss, " and gradient norm ", grad_norm),
                   "lower optimizer.lr, or look at the data of this step; with bf16, try train.precision: fp32; "
                   "guard.not_finite: skip passes over such steps"};
  const std::string advice =
      "lower optimizer.lr or train.max_grad_norm, or look at the data of this step; guard.spike says what is done";
  if (static_cast<int>(state_.losses.size()) >= settings_.loss_window) {
    const double lowest = *std::min_element(state_.losses.begin(), state_.losses.end());
    if (loss > settings_.loss_ratio * lowest)
      return Finding{settings_.spike,
                     cat("loss ", loss, " is ", loss / lowest, " times the lowest of the last ", state_.losses.size(),
                         " steps, ", lowest),
                     advice};
  }
  if (settings_.grad_norm > 0 && grad_norm > settings_.grad_norm)
    return Finding{settings_.spike, cat("gradient norm ", grad_norm, " exceeds ", settings_.grad_norm), advice};
  if (state_.accepted >= settings_.loss_window && grad_norm > settings_.grad_norm_ratio * state_.norm_average)
    return Finding{settings_.spike,
                   cat("gradient norm ", grad_norm, " is ", grad_norm / state_.norm_average,
                       " times its running average, ", state_.norm_average),
                   advice};
  return std::nullopt;
}

void Guard::accept(double loss, double grad_norm) {
  state_.losses.push_back(loss);
  if (static_cast<int>(state_.losses.size()) > settings_.loss_window) state_.losses.erase(state_.losses.begin());
  ++state_.accepted;
  state_.passed_over = 0;
  const double weight = std::max(0.02, 1.0 / static_cast<double>(state_.accepted));  // a plain mean at first
  state_.norm_average += weight * (grad_norm - state_.norm_average);
}

}  // namespace pst::train
