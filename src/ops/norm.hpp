// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <utility>

namespace pst::ops {

/// What a trained norm multiplies and adds: f32 [w], differentiable; `bias` may be undefined.
struct NormValues {
  at::Tensor weight, bias;
};

/// A norm by rows: RMSNorm, or LayerNorm where `centred`. Its values are frozen, unless `trained` gives others.
struct Norm {
  at::Tensor weight;  ///< f32 [w]; of a LayerNorm also [k, w]: row i takes row i % k of it
  at::Tensor bias;    ///< of a LayerNorm: like weight, or undefined
  double eps = 0;
  bool centred = false;
  std::function<NormValues()> trained = {};  ///< asked in each pass
};

/// Differentiable in x, and in what is trained. Rows are as wide as the weight: x [n, w], or [n, k * w] where every w
/// values are normed by themselves. @return like x
at::Tensor norm(const at::Tensor& x, const Norm& by);

/// {x + delta, norm(x + delta)}: one pass over the residual stream. @return both like x
std::pair<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& delta, const Norm& by);

}  // namespace pst::ops
