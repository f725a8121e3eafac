// SPDX-License-Identifier: Apache-2.0
#include "peft/sketch.hpp"

#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>

namespace pst::peft {
namespace {

at::Tensor basis(const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); }

}  // namespace

Singular sketched(const at::Tensor& matrix_mn, std::int64_t q, int rounds, const DrawNormal& draw) {
  const bool is_wide = matrix_mn.size(0) < matrix_mn.size(1);
  const at::Tensor tall = is_wide ? matrix_mn.t() : matrix_mn;
  at::Tensor q_tk = basis(tall.mm(draw(tall.size(1), q, tall.scalar_type()).to(tall.device())));
  for (int i = 0; i < rounds; ++i) q_tk = basis(tall.mm(basis(tall.t().mm(q_tk))));
  const auto [u, s, v] = at::linalg_svd(q_tk.t().mm(tall), /*full_matrices=*/false);
  const at::Tensor left = q_tk.mm(u);
  if (is_wide) return {v.t(), s, left.t()};
  return {left, s, v};
}

}  // namespace pst::peft
