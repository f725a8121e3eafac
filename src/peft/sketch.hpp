// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>

#include "peft/singular.hpp"

namespace pst::peft {

/// Gives a matrix of normal numbers, mean 0 and deviation 1.
using DrawNormal = std::function<at::Tensor(std::int64_t rows, std::int64_t columns, at::ScalarType dtype)>;

/// The largest singular values nearly, from a sketch of q columns that `rounds` products with the matrix have turned
/// towards them; as torch.svd_lowrank finds them. @return q of them, or as many as the matrix has, largest first
/// @see Halko et al. 2011, arXiv:0909.4061, algorithms 4.4 and 5.1
Singular sketched(const at::Tensor& matrix_mn, std::int64_t q, int rounds, const DrawNormal& draw);

}  // namespace pst::peft
