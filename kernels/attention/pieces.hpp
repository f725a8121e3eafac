// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <vector>

#include "kernels/attention/attention.hpp"

namespace pst::kernels {

/// What a thread does of attention at a time: some of the query heads that share a key/value head, some of a document's
/// rows. How work is cut follows from shapes alone and not from threads, so that bits do not depend on these.
struct AttentionPiece {
  std::int64_t document = 0, head = 0;  ///< head: of keys and values
  std::int64_t group = 0, groups = 0;   ///< query heads of it: [group, group + groups)
  std::int64_t row = 0, row_end = 0;    ///< of the document
  std::int64_t pairs() const { return (row_end * row_end - row * row) * groups; }  ///< twice the pairs of query and key
};

/// Scores exist for this many keys at a time: 32 KiB, they stay in cache. A window's first block is taken whole.
constexpr std::int64_t kAttentionBlockKeys = 256;

/// How the attention under one key/value head of one document is cut.
struct AttentionCut {
  std::int64_t groups_each = 1, slices = 1;  ///< query heads in a piece; pieces that the rows are cut into
};
/// Whole where it is small: a piece unpacks its keys and values anew. @param groups  query heads that share them
AttentionCut forward_cut(std::int64_t rows, std::int64_t groups);
/// By query head only: gradients of keys and values are sums over rows.
AttentionCut backward_cut(std::int64_t rows, std::int64_t groups);

/// All pieces, those with most work first.
std::vector<AttentionPiece> pieces_of(const AttentionShape& shape,
                                      AttentionCut (*cut)(std::int64_t rows, std::int64_t groups));

/// Runs body(piece, scratch) for all of them, in their order, each by whoever is free: documents differ in length, and
/// work cut into equal numbers of pieces would leave threads waiting.
/// @param scratch_values  floats of memory that a thread brings along
template <class Body>
void for_pieces(const Exec& on, const std::vector<AttentionPiece>& pieces, std::int64_t scratch_values,
                const Body& body) {
  const auto count = static_cast<std::int64_t>(pieces.size());
  std::atomic<std::int64_t> next{0};
  on.parallel_for(count, 1, [&](std::int64_t, std::int64_t) {
    std::vector<float> scratch;
    for (std::int64_t i; (i = next.fetch_add(1)) < count;) {
      if (scratch.empty()) scratch.resize(static_cast<std::size_t>(scratch_values));
      body(pieces[static_cast<std::size_t>(i)], scratch.data());
    }
  });
}

}  // namespace pst::kernels
