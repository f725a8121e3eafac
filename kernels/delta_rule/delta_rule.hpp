// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// Heads of a gated delta rule: each key head serves value_heads / key_heads value heads in a row.
struct DeltaShape {
  std::int64_t key_heads = 0, value_heads = 0, key_dim = 0, value_dim = 0;
  std::span<const std::int64_t> starts;  ///< first row of each document, then n
};

/// A state S [key_dim, value_dim] per value head, zero where a document begins, changes with each row:
/// S = e^g S;  S += k (beta (v - S^T k))^T;  out = S^T q. All arithmetic is f32.
/// @param q, k     f32 or bf16 [n, key_heads * key_dim], scaled and normed already;  v: as q [n, value_heads *
/// value_dim]
/// @param g, beta  f32 [n, value_heads]
/// @param state    f32 [value_heads, key_dim, value_dim], of the first document: taken as its begin, and left as its
/// end
///                 is; or empty
/// @param out      like v
/// @see Yang et al. 2024, arXiv:2412.06464, equation 10
void delta_rule(const Exec& on, ConstView q, ConstView k, ConstView v, ConstView g, ConstView beta,
                const DeltaShape& shape, View state, View out);

/// Gradients of all inputs, of documents that begin with a zero state. States are computed anew.
/// @param dq, dk  like q;  dv: like v;  dg, dbeta: like g. Overwritten
void delta_rule_backward(const Exec& on, ConstView dout, ConstView q, ConstView k, ConstView v, ConstView g,
                         ConstView beta, const DeltaShape& shape, View dq, View dk, View dv, View dg, View dbeta);

}  // namespace pst::kernels
