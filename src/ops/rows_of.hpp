// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::ops {

// Rows that go to several places each, and what comes back of them. A row has k slots, side by side: slot s is of row
// s / k. `order` i64 [n * k] is a permutation of the slots. Sums run over a row's slots in their order, so bits repeat.

/// x [n, d] -> [n * k, d]: row i is that of slot order[i]. Differentiable in x.
at::Tensor spread_rows(const at::Tensor& x_nd, const at::Tensor& order, std::int64_t k);

/// The sum of each row's slots by their weights, in f32. Differentiable in both.
/// @param y        [n * k, d], row i that of slot order[i];  weights: f32 [n, k]
/// @return         [n, d], of y's dtype
at::Tensor gather_rows(const at::Tensor& y_sd, const at::Tensor& order, const at::Tensor& weights_nk);

}  // namespace pst::ops
