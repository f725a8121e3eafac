// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// Tokens of a page. A page has keys as [key/value heads, dim, kPageTokens] and values as [key/value heads,
/// kPageTokens, dim]: so a query meets all keys of a page at once, and values row by row.
constexpr std::int64_t kPageTokens = 16;

struct PagedShape {
  std::int64_t query_heads = 0, key_value_heads = 0, dim = 0;  ///< query_heads is a multiple of key_value_heads
  std::int64_t window = 0;             ///< a row sees itself and window - 1 rows before it; 0: all before it
  double scale = 0;                    ///< factor of q k^T
  double cap = 0;                      ///< scores s become cap tanh(s / cap); 0: as they are
  std::span<const float> slopes = {};  ///< [query heads]: a score gets slope * position of its key. Empty: none
  std::span<const float> sinks = {};   ///< [query heads]: one more score, of a row without a value. Empty: none
  std::int64_t page_values() const { return key_value_heads * dim * kPageTokens; }
};

/// The newest rows of one sequence.
struct PagedRows {
  std::int64_t first = 0;               ///< of the rows of this call
  std::int64_t count = 0;               ///< rows of this call
  std::int64_t position = 0;            ///< of the first of them; so many rows are in the pages already
  std::span<const std::int32_t> pages;  ///< of the sequence, in order: enough for position + count rows
};

/// Puts keys and values of new rows into their pages.
/// @param k, v           f32 or bf16 [n, key_value heads * dim]
/// @param keys, values   pools of pages, like k
void write_pages(const Exec& on, ConstView k, ConstView v, const PagedShape& shape, std::span<const PagedRows> rows,
                 View keys, View values);

/// Causal attention of new rows over the pages of their sequences, their own rows among them. A row's bits depend on
/// its sequence alone: not on the other rows of the call, nor on how its sequence was cut into calls. All arithmetic is
/// f32.
/// @param q    f32 or bf16 [n, query heads * dim]
/// @param out  like q
/// @see Kwon et al. 2023, arXiv:2309.06180, section 4.1 (pages)
void paged_attention(const Exec& on, ConstView q, ConstView keys, ConstView values, const PagedShape& shape,
                     std::span<const PagedRows> rows, View out);

}  // namespace pst::kernels
