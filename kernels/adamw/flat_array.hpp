// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::kernels {

/// Trainable tensors, their gradients and the optimizer's state are windows into flat arrays. Each window starts on a
/// border of so many values, a cache line of f32; what lies between is zero.
constexpr std::int64_t kFlatBorder = 16;

/// Places in a flat array that a tensor of `values` takes.
constexpr std::int64_t flat_places(std::int64_t values) {
  return (values + kFlatBorder - 1) / kFlatBorder * kFlatBorder;
}

}  // namespace pst::kernels
