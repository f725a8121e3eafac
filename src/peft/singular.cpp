// SPDX-License-Identifier: Apache-2.0
#include "peft/singular.hpp"

#include <ATen/ops/linalg_svd.h>

namespace pst::peft {

Singular largest_singular(const at::Tensor& weight_oi, std::int64_t r) {
  const auto [u, s, v] = at::linalg_svd(weight_oi, /*full_matrices=*/false);
  return {u.narrow(1, 0, r), s.narrow(0, 0, r), v.narrow(0, 0, r)};
}

at::Tensor smallest_singular(const at::Tensor& weight_oi, std::int64_t r) {
  const at::Tensor u = std::get<0>(at::linalg_svd(weight_oi, /*full_matrices=*/false));
  return u.narrow(1, u.size(1) - r, r).contiguous();
}

}  // namespace pst::peft
