// SPDX-License-Identifier: Apache-2.0
#include "quant/quantised_linear.hpp"

#include <ATen/ops/empty.h>

#include "kernels/fp8/fp8.hpp"
#include "kernels/int8/int8.hpp"
#include "kernels/nf4/nf4.hpp"
#include "kernels/nf4/nf4_product.hpp"
#include "ops/exec.hpp"
#include "ops/gemm.hpp"
#include "quant/fp8_product.hpp"

namespace pst::quant {

at::Tensor QuantisedLinear::weight_like(const at::Tensor& like) const {
  const at::Tensor weight_oi = scratch_->matrix(out_, in_, like);
  dequantise(*scratch_, weight_oi);
  return weight_oi;
}

at::Tensor QuantisedLinear::weight(at::ScalarType dtype) const {
  return weight_like(at::empty({0}, parts_.front().options().dtype(dtype)));
}

at::Tensor QuantisedLinear::apply(const at::Tensor& x_ni) const { return ops::matmul_nt(x_ni, weight_like(x_ni), bias_); }

at::Tensor QuantisedLinear::apply_transposed(const at::Tensor& dy_no) const {
  return ops::matmul_nn(dy_no, weight_like(dy_no));
}

at::Tensor QuantisedLinear::add_applied(at::Tensor sum_no, nn::Rows& x_ni) const {
  return ops::add_matmul_nt(std::move(sum_no), x_ni.values, weight_like(x_ni.values), bias_);
}

at::Tensor QuantisedLinear::add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const {
  return ops::add_matmul_nn(std::move(sum_ni), dy_no, weight_like(dy_no));
}

at::Tensor Nf4Linear::apply(const at::Tensor& x_ni) const {
  const std::int64_t rows = x_ni.size(0);
  if (rows < 1 || rows > kernels::kNf4ProductRows || in_ % 8 != 0) return QuantisedLinear::apply(x_ni);
  const at::Tensor absmax = scales(scratch());
  at::Tensor y_no = at::empty({rows, out_}, x_ni.options().requires_grad(false));
  kernels::nf4_product(ops::exec_of(x_ni), ops::view_of(x_ni.contiguous()), ops::view_of(parts_.at(0)),
                       ops::view_of(absmax), kernels::kNf4Block, out_, ops::view_of(y_no));
  return bias_ ? y_no.add_(*bias_) : y_no;
}

at::Tensor Nf4Linear::scales(Scratch& scratch) const {
  const at::Tensor& stored = parts_.at(1);
  if (parts_.size() == 2) return stored;
  const at::Tensor absmax = scratch.scales(stored.numel(), stored);
  kernels::double_dequantise(ops::exec_of(stored), ops::view_of(stored), ops::view_of(parts_[2]),
                             ops::view_of(parts_[3]), ops::view_of(parts_[4]), 0, ops::view_of(absmax));
  return absmax;
}

void Nf4Linear::dequantise(Scratch& scratch, const at::Tensor& weight) const {
  const at::Tensor absmax = scales(scratch);
  kernels::nf4_dequantise(ops::exec_of(weight), ops::view_of(parts_[0]), ops::view_of(absmax), kernels::kNf4Block, 0,
                          ops::view_of(weight));
}

void Int8Linear::dequantise(Scratch&, const at::Tensor& weight) const {
  kernels::int8_dequantise(ops::exec_of(weight), ops::view_of(parts_.at(0)), ops::view_of(parts_.at(1)), in_, 0,
                           ops::view_of(weight));
}

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
