// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

struct AdamW {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  std::int64_t step = 1;       ///< counts from 1: bias correction
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

/// One step of AdamW with decoupled weight decay over flat f32 arrays of one size; `gradient` is only read.
/// @throws Error(bug) on a mismatch
/// @see Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2; as torch.optim.AdamW orders the operations
void adamw(const Exec& on, const AdamW& settings, View value, ConstView gradient, View moment1, View moment2);

}  // namespace pst::kernels
