// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// out = x w^T (+ bias), in which a row's bits depend on that row alone: not on how many rows there are, nor on who
/// computes with them. Each element is 16 partial sums over the width, added up in one order at its end. For
/// generation, where rows of many requests meet; it reads w once, and is bound by memory for a few rows.
/// @param x     f32 or bf16 [n, width]
/// @param w     f32 or bf16 [outputs, width]
/// @param bias  f32 or bf16 [outputs], or empty (data null)
/// @param out   like x [n, outputs]; bf16 is rounded once
/// @throws Error(bug) on a mismatch; `out` is then untouched
void row_product(const Exec& on, ConstView x, ConstView w, ConstView bias, std::int64_t width, View out);

}  // namespace pst::kernels
