// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quant/quantised_linear.hpp"

namespace pst::quant {

/// Parts as lowbit::fp8_codec lists them. @see kernels/fp8/fp8.hpp
/// A GPU that multiplies 8-bit floats (compute capability 8.9 and later) gets them: each row of x, and backward of dy,
/// is quantised as it comes, and the product is summed in f32 (Micikevicius et al. 2022, arXiv:2209.05433,
/// section 3.2). Everywhere else the weight is dequantised.
class Fp8Linear final : public QuantisedLinear {
 public:
  using QuantisedLinear::QuantisedLinear;
  at::Tensor apply(const at::Tensor& x_ni) const override;
  at::Tensor apply_transposed(const at::Tensor& dy_no) const override;
  at::Tensor add_applied(at::Tensor sum_no, nn::Rows& x_ni) const override;
  at::Tensor add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const override;

 private:
  at::Tensor turned() const;  ///< codes of W^T [in, out], in the scratch buffer
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;
};

}  // namespace pst::quant
