// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// A token stream of documents end to end: n = starts.back() rows; a row holds all heads side by side.
struct AttentionShape {
  std::int64_t query_heads = 0, key_value_heads = 0, dim = 0;  ///< query_heads is a multiple of key_value_heads
  std::span<const std::int64_t> starts;                        ///< first row of each document, then n
  std::int64_t window = 0;  ///< a row sees itself and window - 1 rows before it; 0: all before it
  double scale = 0;         ///< factor of q k^T; 0: 1 / sqrt(dim)
  double cap = 0;           ///< scores s become cap tanh(s / cap), before what is hidden is left out; 0: as they are
  /// [query heads]: row t adds slope * key to the score of `key`, both counted from the document's begin. Empty: none.
  /// @see Press et al. 2021, arXiv:2108.12409; softmax does not see the difference to slope * (key - t)
  std::span<const float> slopes = {};
};

/// Causal softmax attention within each document, in a window where there is one. All
/// arithmetic is f32, so bf16 is only the format of input and output. Memory beside the arguments is linear in the
/// longest document.
/// @param q              [n, query_heads * dim], f32 or bf16;  k, v: [n, key_value_heads * dim], the same dtype
/// @param out            like q
/// @param log_sum_exp    f32 [query_heads, n]: what the backward pass needs to rebuild the probabilities
/// @see Dao et al. 2022, arXiv:2205.14135, algorithm 1 (blocks with a running maximum); Ainslie et al. 2023,
///      arXiv:2305.13245 (query heads that share keys and values)
void attention(const Exec& on, ConstView q, ConstView k, ConstView v, const AttentionShape& shape, View out,
               View log_sum_exp);

/// Gradients by the rebuilt probabilities P: dV = P^T dO; dS = P * (dO V^T - rowsum(dO * O)); dQ = dS K; dK = dS^T Q.
/// @param dq  like q;  dk, dv: like k; overwritten
/// @see Dao et al. 2022, arXiv:2205.14135, algorithm 4
void attention_backward(const Exec& on, ConstView dout, ConstView q, ConstView k, ConstView v, ConstView out,
                        ConstView log_sum_exp, const AttentionShape& shape, View dq, View dk, View dv);

}  // namespace pst::kernels
