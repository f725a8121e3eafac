// SPDX-License-Identifier: Apache-2.0
#include "peft/singular.hpp"

#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/randn.h>

namespace pst::peft {

Singular largest_singular(const at::Tensor& weight_oi, std::int64_t r) {
  const auto [u, s, v] = at::linalg_svd(weight_oi, /*full_matrices=*/false);
  return {u.narrow(1, 0, r), s.narrow(0, 0, r), v.narrow(0, 0, r)};
}

at::Tensor smallest_singular(const at::Tensor& weight_oi, std::int64_t r) {
  const at::Tensor u = std::get<0>(at::linalg_svd(weight_oi, /*full_matrices=*/false));
  return u.narrow(1, u.size(1) - r, r).contiguous();
}

Singular approximate_singular(const at::Tensor& weight_oi, std::int64_t r, int rounds, at::Generator& numbers) {
  const bool wide = weight_oi.size(0) < weight_oi.size(1);
  const at::Tensor tall = wide ? weight_oi.t() : weight_oi;
  const auto basis = [](const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); };
  // On the CPU, wherever the weight is: the same numbers everywhere.
  const at::Tensor start = at::randn({tall.size(1), r}, numbers, at::TensorOptions(at::kFloat)).to(tall.device());
  at::Tensor q = basis(tall.matmul(start));
  for (int i = 0; i < rounds; ++i) q = basis(tall.matmul(basis(tall.t().matmul(q))));
  const auto [u, s, v] = at::linalg_svd(q.t().matmul(tall), /*full_matrices=*/false);
  const at::Tensor left = q.matmul(u);
  if (wide) return {v.t(), s, left.t()};
  return {left, s, v};
}

}  // namespace pst::peft
