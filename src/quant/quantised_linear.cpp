// SPDX-License-Identifier: Apache-2.0
#include "quant/quantised_linear.hpp"

#include "ops/gemm.hpp"

namespace pst::quant {

at::Tensor QuantisedLinear::weight_like(const at::Tensor& like) const {
  const at::Tensor weight_oi = scratch_->matrix(out_, in_, like);
  dequantise(*scratch_, weight_oi);
  return weight_oi;
}

at::Tensor QuantisedLinear::weight(at::ScalarType dtype) const {
  return weight_like(at::empty({0}, parts_.front().options().dtype(dtype)));
}

at::Tensor QuantisedLinear::apply(const at::Tensor& x_ni) const {
  return ops::matmul_nt(x_ni, weight_like(x_ni), bias_);
}

at::Tensor QuantisedLinear::apply_transposed(const at::Tensor& dy_no) const {
  return ops::matmul_nn(dy_no, weight_like(dy_no));
}

at::Tensor QuantisedLinear::add_applied(at::Tensor sum_no, nn::Rows& x_ni) const {
  return ops::add_matmul_nt(std::move(sum_no), x_ni.values, weight_like(x_ni.values), bias_);
}

at::Tensor QuantisedLinear::add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const {
  return ops::add_matmul_nn(std::move(sum_ni), dy_no, weight_like(dy_no));
}

}  // namespace pst::quant
