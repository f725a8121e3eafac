// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "methods/expert_stacks.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

/// A matrix of an adapter's file that training keeps as several parameters, each of them some rows and columns of it.
struct Folded {
  struct Part {
    nn::Parameter* parameter;
    methods::StackPart place;
  };
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<Part> parts = {};

  /// f32 [shape], made of the parts' values, or of what a flat array in their layout has for them.
  at::Tensor whole() const;
  at::Tensor whole(const at::Tensor& flat) const;
  void take(const at::Tensor& whole_oi) const;  ///< gives the parts their values
};

}  // namespace pst::peft
