// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace pst::ops {

struct DeltaHeads {
  std::int64_t key = 0, value = 0, key_dim = 0, value_dim = 0;  ///< value is a multiple of key
};

/// kernels/delta_rule, differentiable in all five. On a CPU.
/// @param q, k  [n, key heads * key_dim];  v: [n, value heads * value_dim];  g, beta: f32 [n, value heads]
/// @param state  f32 [value heads, key_dim, value_dim], or undefined: changed in place, for one document, no gradients
/// @return      like v
at::Tensor delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& g,
                      const at::Tensor& beta, DeltaHeads heads, const std::vector<std::int64_t>& starts,
                      const at::Tensor& state = {});

/// kernels/causal_conv, differentiable in x. On a CPU.
/// @param x  [n, columns];  weight: f32 [columns, taps];  before: [taps - 1, columns], or undefined
at::Tensor causal_conv(const at::Tensor& x, const at::Tensor& weight, const std::vector<std::int64_t>& starts,
                       const at::Tensor& before = {});

}  // namespace pst::ops
