// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "quant/quantised_linear.hpp"

namespace pst::quant {

/// Parts as lowbit::int8_codec lists them. @see kernels/int8/int8.hpp
class Int8Linear final : public QuantisedLinear {
 public:
  using QuantisedLinear::QuantisedLinear;

 private:
  void dequantise(Scratch& scratch, const at::Tensor& weight) const override;
};

}  // namespace pst::quant
