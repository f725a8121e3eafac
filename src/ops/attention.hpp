// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kernels/paged_attention/paged_attention.hpp"

namespace pst::ops {

/// Cosines and sines of angles, f32 [rows, pairs of a head that turn] each; both may carry a factor.
struct RopeTable {
  at::Tensor cosines, sines;
  bool neighbours = false;  ///< features (2i, 2i + 1) turn together, not (i, i + pairs)
};

/// How rows are turned by their positions.
struct Turning {
  RopeTable queries, keys;  ///< mostly one table
  at::Tensor rows;          ///< i32 [n]: of the tables
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
  std::optional<double> scale = {};                ///< factor of q k^T; absent: 1 / sqrt(dim)
  double cap = 0;                                  ///< scores s become cap tanh(s / cap); 0: as they are
  at::Tensor slopes = {};  ///< f32 [query heads]: a score gets slope * position of its key; undefined: none
  at::Tensor sinks = {};   ///< f32 [query heads]: one more score, of a row without a value; undefined: none
  double factor() const;   ///< the scale
  bool is_plain() const { return !scale && cap == 0 && !slopes.defined() && !sinks.defined(); }
};

/// Causal attention inside each document, in a window where heads have one; differentiable in q, k and v. Memory is
/// linear in a document's length: scores exist for one block at a time.
/// @param q        [n, query heads * dim];  k, v: [n, key_value heads * dim]
/// @param turning  rotary positions: q and k are turned IN PLACE, hand them over. Absent: they are as they are
/// @return         [n, query heads * dim]
/// @see Dao et al. 2022, arXiv:2205.14135 (blocks); Ainslie et al. 2023, arXiv:2305.13245 (grouped queries); Xiao et
///      al. 2024, arXiv:2309.17453 (sinks)
at::Tensor attention(at::Tensor q, at::Tensor k, const at::Tensor& v, const Heads& heads, const Documents& documents,
                     const std::optional<Turning>& turning);

// For generation, without gradients: keys and values lie in pools of pages, as kernels/paged_attention has them.
using PagedRows = kernels::PagedRows;

/// Puts those of new rows into the pages of their sequences. @param k, v  [n, key_value heads * dim], turned already
void write_pages(const at::Tensor& k, const at::Tensor& v, const Heads& heads, std::span<const PagedRows> rows,
                 const at::Tensor& keys, const at::Tensor& values);
/// The new rows of sequences against all of each. @param q  [n, query heads * dim], turned already
/// @return  like q
at::Tensor paged_attention(const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values, const Heads& heads,
                           std::span<const PagedRows> rows);

/// Turns rows in place, without a gradient. @param x  [n, heads * dim];  rows: i32 [n], of the table
void rotate(const at::Tensor& x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table);
/// The same as a step that backward undoes: x is handed over.
at::Tensor rotated(at::Tensor x, std::int64_t heads, const at::Tensor& rows, const RopeTable& table);

}  // namespace pst::ops
