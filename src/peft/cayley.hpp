// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

// Orthogonal matrices made of unconstrained values, differentiable, in f32. Shape letters: b matrices, k their side, e
// values above a diagonal.
namespace pst::peft {

/// [b, e] -> [b, k, k]: the values above the diagonal, row by row, and their opposites below.
at::Tensor skew_of(const at::Tensor& above_be, std::int64_t k);

/// (I - Q) (I + Q)^-1 of each skew-symmetric Q.
at::Tensor cayley(const at::Tensor& q_bkk);

/// (I + Q) (I - Q)^-1 as PEFT 0.18 and later cut its series off: I + 2 Q + 2 Q^2 + ... + Q^last.
/// @see arXiv:2506.19847
at::Tensor cayley_series(const at::Tensor& q_bkk, int terms);

}  // namespace pst::peft
