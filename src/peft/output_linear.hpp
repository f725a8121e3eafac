// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "peft/adapted_linear.hpp"

namespace pst::peft {

/// A frozen layer of whose output something is made: y = F(W x + b), F affine in every row. One autograd node, which
/// keeps W x + b; backward runs F once more, and has libtorch's own rules for it.
class OutputLinear : public AdaptedLinear {
 public:
  using AdaptedLinear::AdaptedLinear;
  at::Tensor weight(at::ScalarType dtype) const final;
  at::Tensor apply(const at::Tensor& x_ni) const final;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const final;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const final;

 protected:
  /// F, differentiable in both, in the dtype of u. @param trained  f32
  virtual at::Tensor changed(const at::Tensor& u_no, const Tensors& trained) const = 0;

 private:
  friend class OutputNode;
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const final;
};

}  // namespace pst::peft
