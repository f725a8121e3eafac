// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "peft/adapted_linear.hpp"

namespace pst::peft {

/// A frozen layer plus a low-rank update whose factors are functions of trained values: y = W x + B A dropout(x). One
/// autograd node, which keeps x and the rank-r product; the gradients of A and B become those of the trained values by
/// libtorch's own rules. An A that depends on no trained value costs no product in backward.
class FactorLinear : public AdaptedLinear {
 public:
  using AdaptedLinear::AdaptedLinear;
  at::Tensor weight(at::ScalarType dtype) const final;
  at::Tensor apply(const at::Tensor& x_ni) const final;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const final;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const final;

 protected:
  struct Factors {
    at::Tensor a_ri, b_or;  ///< f32
  };
  /// Differentiable in `trained`, which are f32.
  virtual Factors factors(const Tensors& trained, const nn::Pass& pass) const = 0;

 private:
  friend class FactorNode;
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const final;
  /// Adds to the gradient of a trained tensor that layers share; false: it is the layer's own, or nobody sums it.
  bool add_to_shared(std::size_t index, const at::Tensor& gradient) const;
  Factors made(at::ScalarType dtype, const nn::Pass& pass) const;  ///< of what products use of the trained values
};

}  // namespace pst::peft
