// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quant/quantised_linear.hpp"

namespace pst::quant {

/// Parts as lowbit::nf4_codec lists them, with plain or quantised scales. @see kernels/nf4/nf4.hpp
/// A few rows, as generation has them, are multiplied with the codes; W is not written out
/// (kernels/nf4/nf4_product.hpp).
class Nf4Linear final : public QuantisedLinear {
 public:
  using QuantisedLinear::QuantisedLinear;
  at::Tensor apply(const at::Tensor& x_ni) const override;

 private:
  at::Tensor scales(Scratch& scratch) const;  ///< f32 [blocks]
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;
};

}  // namespace pst::quant
