// SPDX-License-Identifier: Apache-2.0
#pragma once
// What happens to a row of scores between the two products of attention.
#include "kernels/detail/simd.hpp"

namespace pst::kernels::detail {

/// values[i] = e^(values[i] - shift) for begin <= i < valid, 0 in the rest up to count. @return their sum
PST_INLINE float exp_of_row(float* values, float shift, std::int64_t begin, std::int64_t valid, std::int64_t count) {
  for (std::int64_t i = 0; i < begin; ++i) values[i] = 0;
  for (std::int64_t i = begin; i < valid; ++i) values[i] = exp_approx(values[i] - shift);
  for (std::int64_t i = valid; i < count; ++i) values[i] = 0;
  float lanes[kLanes] = {};
  for (std::int64_t i = 0; i < count; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] += values[i + l];
  return sum_lanes(lanes);
}

/// Scores of keys [begin, valid) of a block from `first`, as softmax sees them.
PST_INLINE void shape_scores(float* values, float cap, float slope, std::int64_t first, std::int64_t begin,
                             std::int64_t valid) {
  if (cap > 0)
    for (std::int64_t i = begin; i < valid; ++i) values[i] = cap * tanh_approx(values[i] / cap);
  if (slope != 0)
    for (std::int64_t i = begin; i < valid; ++i) values[i] += slope * static_cast<float>(first + i);
}

PST_INLINE float max_of_row(const float* values, std::int64_t valid) {
  float lanes[kLanes];
  for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = values[0];
  std::int64_t i = 0;
  for (; i + kLanes <= valid; i += kLanes)
    for (std::int64_t l = 0; l < kLanes; ++l) lanes[l] = values[i + l] > lanes[l] ? values[i + l] : lanes[l];
  for (; i < valid; ++i) lanes[0] = values[i] > lanes[0] ? values[i] : lanes[0];
  float best = lanes[0];
  for (std::int64_t l = 1; l < kLanes; ++l) best = lanes[l] > best ? lanes[l] : best;
  return best;
}

}  // namespace pst::kernels::detail
