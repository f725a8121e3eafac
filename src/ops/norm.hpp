// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <utility>

namespace pst::ops {

/// RMSNorm by rows with a frozen weight, differentiable in x. x [n, d], weight [d] of one dtype -> [n, d]
at::Tensor rms_norm(const at::Tensor& x_nd, const at::Tensor& weight_d, double eps);

/// {x + delta, rms_norm(x + delta)}: one pass over the residual stream. @return both [n, d]
std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x_nd, const at::Tensor& delta_nd,
                                               const at::Tensor& weight_d, double eps);

}  // namespace pst::ops
