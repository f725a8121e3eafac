// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <utility>

namespace pst::ops {

/// A frozen norm by rows: RMSNorm, or LayerNorm where `centred`.
struct Norm {
  at::Tensor weight;  ///< f32 [w]; of a LayerNorm also [k, w]: row i takes row i % k of it
  at::Tensor bias;    ///< of a LayerNorm: like weight, or undefined
  double eps = 0;
  bool centred = false;
};

/// Differentiable in x. Rows are as wide as the weight: x [n, w], or [n, k * w] where every w values are normed by
/// themselves. @return like x
at::Tensor norm(const at::Tensor& x, const Norm& by);

/// {x + delta, norm(x + delta)}: one pass over the residual stream. @return both like x
std::pair<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& delta, const Norm& by);

}  // namespace pst::ops
