// SPDX-License-Identifier: Apache-2.0
#include "peft/residual_linear.hpp"

#include <ATen/ops/addmm.h>

#include "ops/gemm.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r rank.
namespace pst::peft {

at::Tensor ResidualLinear::part(const at::Tensor& x_ni) const {
  const at::ScalarType dtype = x_ni.scalar_type();
  return ops::matmul_nt(ops::scaled_matmul_nt(x_ni, a_ri_.to(dtype), scale_), b_or_.to(dtype));
}
at::Tensor ResidualLinear::part_transposed(const at::Tensor& dy_no) const {
  const at::ScalarType dtype = dy_no.scalar_type();
  return ops::matmul_nn(ops::scaled_matmul_nn(dy_no, b_or_.to(dtype), scale_), a_ri_.to(dtype));
}

at::Tensor ResidualLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  return at::addmm(base_->weight(at::kFloat), b_or_, a_ri_, 1, -scale_).to(dtype);
}
at::Tensor ResidualLinear::apply(const at::Tensor& x_ni) const { return base_->apply(x_ni).sub_(part(x_ni)); }
at::Tensor ResidualLinear::apply_transposed(const at::Tensor& dy_no) const {
  return base_->apply_transposed(dy_no).sub_(part_transposed(dy_no));
}
at::Tensor ResidualLinear::add_applied(at::Tensor sum_no, nn::Rows& x_ni) const {
  return base_->add_applied(sum_no.sub_(part(x_ni.values)), x_ni);
}
at::Tensor ResidualLinear::add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const {
  return base_->add_applied_transposed(sum_ni.sub_(part_transposed(dy_no)), dy_no);
}

}  // namespace pst::peft
