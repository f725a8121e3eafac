// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "peft/adapted_linear.hpp"

namespace pst::peft {

/// A frozen layer of a changed input: y = W (T x) + b, T a square matrix that is never made: some small matrices, which
/// are functions of trained values, say how it acts on rows. One autograd node, which keeps x only.
class InputLinear : public AdaptedLinear {
 public:
  using AdaptedLinear::AdaptedLinear;
  at::Tensor weight(at::ScalarType dtype) const override;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor forward(const at::Tensor& x_ni, const nn::Pass& pass) const override;

 protected:
  /// The small matrices, differentiable in `trained`; both are f32.
  virtual Tensors matrices(const Tensors& trained, const nn::Pass& pass) const = 0;
  // Without autograd, with the matrices in the dtype of the rows.
  virtual at::Tensor turned(const at::Tensor& x_ni, const Tensors& matrices) const = 0;        ///< T of every row
  virtual at::Tensor turned_back(const at::Tensor& dz_ni, const Tensors& matrices) const = 0;  ///< T transposed
  /// Of each matrix what `dz`, the gradient of T x, makes of it.
  virtual Tensors gradients(const at::Tensor& x_ni, const at::Tensor& dz_ni, const Tensors& matrices) const = 0;

 private:
  friend class InputNode;
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const final;
  Tensors made(const Tensors& trained, at::ScalarType dtype, const nn::Pass& pass) const;
};

}  // namespace pst::peft
