// SPDX-License-Identifier: Apache-2.0
#include "quant/fp8_linear.hpp"

#include "kernels/fp8/fp8.hpp"
#include "ops/torch_exec.hpp"
#include "quant/fp8_product.hpp"

namespace pst::quant {

at::Tensor Fp8Linear::apply(const at::Tensor& x_ni) const {
  if (!multiplies_fp8(x_ni, out_)) return QuantisedLinear::apply(x_ni);
  at::Tensor y_no = fp8_product(fp8_rows(x_ni), parts_.at(0), parts_.at(1));
  if (bias_) y_no.add_(*bias_);
  return y_no;
}

at::Tensor Fp8Linear::add_applied(at::Tensor sum_no, nn::Rows& x_ni) const {
  if (!multiplies_fp8(x_ni.values, out_)) return QuantisedLinear::add_applied(std::move(sum_no), x_ni);
  if (!x_ni.made.has_value()) x_ni.made = fp8_rows(x_ni.values);
  if (bias_) sum_no.add_(*bias_);
  return fp8_product(std::any_cast<const Fp8Rows&>(x_ni.made), parts_.at(0), parts_.at(1), std::move(sum_no));
}

at::Tensor Fp8Linear::turned() const {
  const at::Tensor codes_io = scratch().matrix(in_, out_, parts_.at(0));
  kernels::fp8_transpose(ops::exec_of(codes_io), ops::view_of(parts_.at(0)), in_, ops::view_of(codes_io));
  return codes_io;
}

at::Tensor Fp8Linear::apply_transposed(const at::Tensor& dy_no) const {
  if (!multiplies_fp8(dy_no, in_)) return QuantisedLinear::apply_transposed(dy_no);
  return fp8_product_transposed(dy_no, turned(), parts_.at(1));
}

at::Tensor Fp8Linear::add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const {
  if (!multiplies_fp8(dy_no, in_)) return QuantisedLinear::add_applied_transposed(std::move(sum_ni), dy_no);
  return fp8_product_transposed(dy_no, turned(), parts_.at(1), std::move(sum_ni));
}

void Fp8Linear::dequantise(Scratch&, const at::Tensor& weight) const {
  kernels::fp8_dequantise(ops::exec_of(weight), ops::view_of(parts_.at(0)), ops::view_of(parts_.at(1)), in_, 0,
                          ops::view_of(weight));
}

}  // namespace pst::quant
