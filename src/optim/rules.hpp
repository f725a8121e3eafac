// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "core/exec.hpp"
#include "core/view.hpp"
#include "recipe/optimizers.hpp"

// What the optimizers of recipe/optimizers.hpp do: a function for each row of that table.
namespace pst::optim {

/// An update, as the step that asks for it knows it.
struct Update {
  double lr = 0;
  std::int64_t number = 1;     ///< which one of the run's, from 1
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

/// Consecutive trained values with all that belongs to them: f32 arrays of one size on one device.
struct Slice {
  Exec on;
  View values;
  ConstView gradient;
  std::vector<View> state;  ///< in the order of the rule's kState
};

void apply(const recipe::AdamW& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::Sgd& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::Lion& rule, const Update& update, double weight_decay, const Slice& slice);

}  // namespace pst::optim
