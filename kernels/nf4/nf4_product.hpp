// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// How many rows of x at most: generation has one. With more, dequantising once and a matrix product are faster.
inline constexpr std::int64_t kNf4ProductRows = 8;

/// out = x W^T with W in NF4, which is never written out: every code is read once. Values of W are level * absmax in
/// f32, not rounded further; sums are f32 in an order that depends on nothing but `in`.
/// @param x       f32 or bf16 [n, in], 1 <= n <= kNf4ProductRows, in a multiple of 8
/// @param packed  u8 [rows * in / 2], W [rows, in] read as one row (nf4.hpp);  block a multiple of 8
/// @param absmax  f32 [blocks]
/// @param rows    of W
/// @param out     as x, [n, rows]
/// @throws Error(bug) on a mismatch
void nf4_product(const Exec& on, ConstView x, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t rows,
                 View out);

}  // namespace pst::kernels
