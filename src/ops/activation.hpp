// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "kernels/activation/activation.hpp"

namespace pst::ops {

/// act(gate) * up, differentiable in both, which are of one shape and dtype. @param limit  see kernels::gated()
at::Tensor gated(kernels::Act act, const at::Tensor& gate, const at::Tensor& up, double limit = 7);

/// act(x), differentiable.
at::Tensor activate(kernels::Act act, const at::Tensor& x);

}  // namespace pst::ops
