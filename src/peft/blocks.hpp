// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "core/rng.hpp"

// Products with block-diagonal matrices, of which the blocks alone are there. Shape letters: n rows, b blocks, k side
// of a block. No autograd.
namespace pst::peft {

/// x times the matrix with `blocks` on its diagonal.
/// @param x       [n, b * k]
/// @param blocks  [b, k, k], or [1, k, k]: the same for all
at::Tensor times_blocks(const at::Tensor& x, const at::Tensor& blocks);

/// The blocks of x^T dz: the gradient of `blocks` where dz is that of the product. In the shape of `blocks`.
at::Tensor gradient_of_blocks(const at::Tensor& x, const at::Tensor& dz, const at::Tensor& blocks);

/// PEFT's multiplicative dropout: the given share of the blocks, rounded down, becomes the identity. Differentiable.
/// @param blocks  f32 [b, k, k]
at::Tensor some_left_out(const at::Tensor& blocks, double share, const Rng& rng);

}  // namespace pst::peft
