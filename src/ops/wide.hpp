// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

namespace pst::ops {

/// The dtype of masters, sums and gradients: f32. What is computed in f64, for comparisons, stays in f64.
inline at::ScalarType wide(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }
inline at::Tensor widened(const at::Tensor& values) { return values.to(wide(values.scalar_type())); }

}  // namespace pst::ops
