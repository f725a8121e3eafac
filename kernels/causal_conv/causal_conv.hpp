// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// y[t, c] = silu(sum over j of weight[c, j] * x[t - taps + 1 + j, c]): each column by itself, over the rows of its own
/// document, and before its begin over `before`.
/// @param x       f32 or bf16 [n, columns]
/// @param weight  f32 [columns, taps]
/// @param starts  first row of each document, then n
/// @param before  as x [taps - 1, columns]: the rows before the first document's; empty: zeros
/// @param y       as x
void causal_conv(const Exec& on, ConstView x, ConstView weight, std::span<const std::int64_t> starts, ConstView before,
                 View y);

/// The gradient with respect to x; weights are frozen. @param dx  as x, other memory than dy
void causal_conv_backward(const Exec& on, ConstView dy, ConstView x, ConstView weight,
                          std::span<const std::int64_t> starts, View dx);

}  // namespace pst::kernels
