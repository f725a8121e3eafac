// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

namespace pst::ops {

/// cap tanh(scale x / cap), element by element. Differentiable; backward keeps one array of x's size, and x is written
/// over. The result may be written over too: backward needs nothing of it.
/// @see Gemma Team 2024, arXiv:2408.00118, section 2
at::Tensor capped(at::Tensor x, double scale, double cap);

}  // namespace pst::ops
