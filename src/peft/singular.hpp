// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

namespace pst::peft {

/// The r largest singular values of a matrix, and their vectors: W is near u diag(s) v.
struct Singular {
  at::Tensor u_or, s_r, v_ri;
};
/// @param weight_oi  f32;  r: at most its smaller side
Singular largest_singular(const at::Tensor& weight_oi, std::int64_t r);
/// The left vectors of the r smallest ones, [out, r].
at::Tensor smallest_singular(const at::Tensor& weight_oi, std::int64_t r);

}  // namespace pst::peft
