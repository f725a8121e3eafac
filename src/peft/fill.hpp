// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "core/rng.hpp"

namespace pst::peft {

// Start values. They are made on the CPU, wherever `values` are: the same bits on every device.
void fill_uniform(const at::Tensor& values, double bound, const Rng& rng);     ///< in [-bound, bound)
void fill_normal(const at::Tensor& values, double deviation, const Rng& rng);  ///< around 0

/// He et al. 2015 with a = sqrt(5), as PyTorch initialises linear layers: the bound is 1 / sqrt(columns).
void fill_kaiming(const at::Tensor& matrix, const Rng& rng);

}  // namespace pst::peft
