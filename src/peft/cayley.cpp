// SPDX-License-Identifier: Apache-2.0
#include "peft/cayley.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/bmm.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/linalg_solve.h>
#include <ATen/ops/triu_indices.h>
#include <ATen/ops/zeros.h>

namespace pst::peft {

at::Tensor skew_of(const at::Tensor& above_be, std::int64_t k) {
  const at::Tensor places = at::triu_indices(k, k, 1, above_be.options().dtype(at::kLong));
  const at::Tensor flat = at::zeros({above_be.size(0), k * k}, above_be.options());
  const at::Tensor upper = at::index_copy(flat, 1, places[0] * k + places[1], above_be).view({-1, k, k});
  return upper - upper.transpose(1, 2);
}

at::Tensor cayley(const at::Tensor& q_bkk) {
  const at::Tensor one = at::eye(q_bkk.size(-1), q_bkk.options());
  return at::linalg_solve(one + q_bkk, one - q_bkk, /*left=*/false);
}

at::Tensor cayley_series(const at::Tensor& q_bkk, int terms) {
  at::Tensor sum = at::eye(q_bkk.size(-1), q_bkk.options()).expand_as(q_bkk);
  if (terms < 2) return sum + q_bkk * 0;  // nothing is learned, and a gradient is asked for all the same
  sum = sum + 2 * q_bkk;
  if (terms < 3) return sum;
  at::Tensor power = at::bmm(q_bkk, q_bkk);
  sum = sum + 2 * power;
  for (int term = 3; term < terms - 1; ++term) {
    power = at::bmm(power, q_bkk);
    sum = sum + 2 * power;
  }
  return sum + at::bmm(power, q_bkk);
}

}  // namespace pst::peft
