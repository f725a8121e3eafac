// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::kernels {

/// Of a step of AdamW, whatever form its moments have.
struct AdamW {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  std::int64_t step = 1;       ///< counts from 1: bias correction
  double gradient_factor = 1;  ///< multiplies every gradient first: clipping
};

}  // namespace pst::kernels
