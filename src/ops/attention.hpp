// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace pst::ops {

/// Cosines and sines of every position's angles, f32 [positions, head_dim / 2] each.
struct RopeTable {
  at::Tensor cosines, sines;
};

/// Where the documents of a token stream lie and which position each token has in its own.
struct Documents {
  std::vector<std::int64_t> starts;  ///< first row of each document, then the number of rows
  at::Tensor positions;              ///< i32 [n]
  at::Tensor borders;                ///< `starts` as i32 on a GPU, where the stream is on one
};

struct Heads {
  std::int64_t query = 0, key_value = 0, dim = 0;  ///< query is a multiple of key_value
  std::optional<std::int64_t> window = {};         ///< a row sees itself and window - 1 rows before it; absent: all
};

/// Causal attention inside each document, in a window where heads have one, with rotary positions; differentiable in q,
/// k and v. Memory is linear in a document's length: scores exist for one block at a time.
/// @param q  [n, query heads * dim];  k, v: [n, key_value heads * dim]. q and k are rotated IN PLACE: hand them over.
/// @return   [n, query heads * dim]
/// @see Dao et al. 2022, arXiv:2205.14135 (blocks); Ainslie et al. 2023, arXiv:2305.13245 (grouped queries)
at::Tensor rope_attention(at::Tensor q, at::Tensor k, const at::Tensor& v, Heads heads, const Documents& documents,
                          const RopeTable& table);

/// The last rows of one document against all of it, for generation; no gradient.
/// @param q  [new rows, query heads * dim], rotated already;  k, v: [all rows, key_value heads * dim]
/// @return   [new rows, query heads * dim]
at::Tensor cached_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Heads heads);

/// Rotates rows in place. @param positions i32 [n]
void rotate(const at::Tensor& x, std::int64_t heads, const at::Tensor& positions, const RopeTable& table);

}  // namespace pst::ops
