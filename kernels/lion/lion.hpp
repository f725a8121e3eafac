// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

struct Lion {
  double lr = 0, beta1 = 0.9, beta2 = 0.99, weight_decay = 0;
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

/// One step of Lion with decoupled weight decay over flat f32 arrays of one size; `gradient` is only read:
///
///     g         = gradient_factor * gradient
///     value     = (1 - lr * weight_decay) * value - lr * sign(beta1 * momentum + (1 - beta1) * g)
///     momentum  = beta2 * momentum + (1 - beta2) * g
///
/// @param momentum  zeros before the first step
/// @throws Error(bug) on a mismatch
/// @see Chen et al. 2023, arXiv:2302.06675, algorithm 2; as bitsandbytes.optim.Lion orders the operations
void lion(const Exec& on, const Lion& settings, View value, ConstView gradient, View momentum);

}  // namespace pst::kernels
