// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pst::ops {

// Rows that go to several groups each, as to a router's experts, and what comes back of them. A row has k slots, side
// by side: slot s is of row s / k. Sums run over a row's slots in their order, so bits repeat.

/// Places for all slots, group by group, in a group by slot. On a CPU a group has kernels::rounded_rows() places, or
/// none where it has no slots; those at its end that no slot takes are idle.
struct SlotOrder {
  std::int64_t k = 1;
  at::Tensor slots;                 ///< i64 [places]: the slot in each; an idle one says 0
  at::Tensor places;                ///< i64 [n * k]: the place of each slot
  at::Tensor idle;                  ///< i64: idle places; undefined where there are none
  std::vector<std::int64_t> sizes;  ///< places of each group
};

/// @param groups  i64 [n, k]: the group that each slot goes to, below `count`
SlotOrder order_slots(const at::Tensor& groups_nk, std::int64_t count);

/// x [n, d] -> [places, d]: the row of each place's slot; some row in an idle place. Differentiable in x.
at::Tensor spread_rows(const at::Tensor& x_nd, const SlotOrder& order);

/// The sum of each row's slots by their weights, in f32. Differentiable in both; idle places get a gradient of zero.
/// @param y        [places, d];  weights: f32 [n, k]
/// @return         [n, d], of y's dtype
at::Tensor gather_rows(const at::Tensor& y_pd, const SlotOrder& order, const at::Tensor& weights_nk);

}  // namespace pst::ops
