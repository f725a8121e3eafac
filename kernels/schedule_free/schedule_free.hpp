// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

struct ScheduleFree {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  double average_weight = 1;   ///< c: what of the average the new point becomes; 1 in the first step
  std::int64_t step = 1;       ///< counts from 1: bias correction
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

/// One step of schedule-free AdamW over flat f32 arrays of one size; `gradient`, taken at `value`, is only read:
///
///     v      = beta2 * v + (1 - beta2) * g^2,   g = gradient_factor * gradient
///     d      = g / (sqrt(v / (1 - beta2^step)) + eps) + weight_decay * value
///     z      = z - lr * d
///     x      = x + average_weight * (z - x)
///     value  = z + beta1 * (x - z)
///
/// @param value   y of the paper: what training computes with
/// @param z, x    the point that moves and the average of its places, which is the result. The first step does not read
///                them: both start as `value`
/// @param moment2 v; zeros before the first step
/// @throws Error(bug) on a mismatch
/// @see Defazio et al. 2024, arXiv:2405.15682, algorithm 1; weight decay at y, as schedulefree.AdamWScheduleFree
void schedule_free(const Exec& on, const ScheduleFree& settings, View value, ConstView gradient, View z, View moment2,
                   View x);

}  // namespace pst::kernels
