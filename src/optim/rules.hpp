// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/exec.hpp"
#include "recipe/optimizers.hpp"

// What the optimizers of recipe/optimizers.hpp do: a function for each row of that table.
namespace pst::optim {

/// An update, as the step that asks for it knows it.
struct Update {
  double lr = 0;
  std::int64_t number = 1;     ///< which one of the run's, from 1
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
  double average_weight = 1;   ///< the optimizer's: of this update in an average
};

/// Consecutive trained values with all that belongs to them, on one device. Where the rule's shares are cut between any
/// rows (recipe::Cut::rows) they may be those of several tensors, else they are of one.
struct Slice {
  Exec on;
  std::vector<std::int64_t> shape;  ///< of the tensor
  at::Tensor values, gradient;      ///< f32 [n]
  std::vector<at::Tensor> state;    ///< in the order of recipe::state_of()
  const std::vector<at::Tensor>& constants;
};

/// Arrays that a rule reads besides, whatever the tensor.
template <class Rule>
std::vector<at::Tensor> constants_of(const Rule&, at::Device) {
  return {};
}
std::vector<at::Tensor> constants_of(const recipe::AdamW8bit& rule, at::Device device);

void apply(const recipe::AdamW& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::Sgd& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::Lion& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::AdamW8bit& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::ScheduleFreeAdamW& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::Adafactor& rule, const Update& update, double weight_decay, const Slice& slice);
void apply(const recipe::Muon& rule, const Update& update, double weight_decay, const Slice& slice);

}  // namespace pst::optim
