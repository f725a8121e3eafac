// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "peft/adapted_linear.hpp"

namespace pst::peft {

/// A frozen layer plus an update of its weight: y = W x + D x, D [out, in] being a function of few trained values. One
/// autograd node, which keeps x only; backward makes D once more, and the gradient of the trained values from that of
/// D by libtorch's own rules.
class DeltaLinear : public AdaptedLinear {
 public:
  using AdaptedLinear::AdaptedLinear;
  at::Tensor weight(at::ScalarType dtype) const final;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const final;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

 protected:
  /// D [out, in], differentiable in `trained`, which are f32.
  virtual at::Tensor delta(const Tensors& trained, const nn::Pass& pass) const = 0;
  /// Chance of zeroing an input feature before D.
  virtual double dropout() const { return 0; }
  /// Chance of leaving D out of a pass.
  virtual double module_dropout() const { return 0; }

  enum class RowScale { none, by_mean };
  /// D with some rows zeroed in training; `by_mean`: the others divided by the share that is left.
  at::Tensor rows_dropped(const at::Tensor& d_oi, double chance, RowScale scale, const nn::Pass& pass) const;

 private:
  friend class DeltaNode;
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const final;
};

}  // namespace pst::peft
