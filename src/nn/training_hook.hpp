// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace pst::nn {

/// What an adapter does to a training besides computing. Every rank has all of it and does the same.
class TrainingHook {
 public:
  virtual ~TrainingHook() = default;
  /// Adds to a step's gradient that of what is wanted besides the loss. @param gradient  f32, of all parameters
  virtual void add_to(const at::Tensor& gradient) const = 0;
  /// After the parameters have changed, before products use them.
  /// @param step, total  of the run, from 1;  gradient: the step's;  factor: what it was clipped by
  virtual void after_update(std::int64_t step, std::int64_t total, const at::Tensor& gradient, double factor) = 0;

  /// An array of its state as checkpoints have it: f32, in the layout of the parameters.
  struct State {
    std::string name;
    at::Tensor values;
  };
  virtual const std::vector<State>& state() const = 0;
};

}  // namespace pst::nn
