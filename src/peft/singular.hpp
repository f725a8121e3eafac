// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::peft {

/// The r largest singular values of a matrix, and their vectors: W is near u diag(s) v.
struct Singular {
  at::Tensor u_or, s_r, v_ri;
};
/// @param weight_oi  f32;  r: at most its smaller side
Singular largest_singular(const at::Tensor& weight_oi, std::int64_t r);
/// The left vectors of the r smallest ones, [out, r].
at::Tensor smallest_singular(const at::Tensor& weight_oi, std::int64_t r);

/// The same, approximately, from a random start: torch.svd_lowrank(weight, q=r, niter=rounds), with its numbers.
/// @see Halko et al. 2009, arXiv:0909.4061, algorithms 4.4 and 5.1
Singular approximate_singular(const at::Tensor& weight_oi, std::int64_t r, int rounds, at::Generator& numbers);

}  // namespace pst::peft
