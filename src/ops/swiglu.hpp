// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

namespace pst::ops {

/// silu(gate) * up, differentiable in both. Any one shape, f32 or bf16.
at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace pst::ops
