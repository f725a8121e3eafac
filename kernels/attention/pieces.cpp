// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/pieces.hpp"

#include <algorithm>
#include <cmath>

namespace pst::kernels {
namespace {

constexpr std::int64_t kWhole = 512 * 512;    // rows^2 * query heads up to which nothing is cut
constexpr std::int64_t kSlice = 1448 * 1448;  // rows^2 of one query head up to which its rows are not cut
constexpr std::int64_t kBorder = 32;          // slices begin on multiples of every panel's height

std::int64_t squared(std::int64_t rows) { return rows * rows; }

}  // namespace

AttentionCut backward_cut(std::int64_t rows, std::int64_t groups) {
  return {squared(rows) * groups <= kWhole ? groups : 1, 1};
}

AttentionCut forward_cut(std::int64_t rows, std::int64_t groups) {
  AttentionCut cut = backward_cut(rows, groups);
  if (cut.groups_each == 1) cut.slices = std::max<std::int64_t>(1, (squared(rows) + kSlice - 1) / kSlice);
  return cut;
}

std::vector<AttentionPiece> pieces_of(const AttentionShape& shape,
                                      AttentionCut (*cut)(std::int64_t rows, std::int64_t groups)) {
  const std::int64_t groups = shape.query_heads / shape.key_value_heads;
  std::vector<AttentionPiece> pieces;
  for (std::size_t d = 0; d + 1 < shape.starts.size(); ++d) {
    const std::int64_t rows = shape.starts[d + 1] - shape.starts[d];
    if (rows == 0) continue;
    const auto [groups_each, slices] = cut(rows, groups);
    // Row t sees t + 1 keys: slices of equal work end at the roots of equal steps.
    const auto end_of = [&](std::int64_t slice) {
      if (slice == slices) return rows;
      const double end =
          static_cast<double>(rows) * std::sqrt(static_cast<double>(slice) / static_cast<double>(slices));
      return std::min(rows, static_cast<std::int64_t>(end) / kBorder * kBorder);
    };
    for (std::int64_t head = 0; head < shape.key_value_heads; ++head)
      for (std::int64_t group = 0; group < groups; group += groups_each)
        for (std::int64_t slice = 0; slice < slices; ++slice)
          if (end_of(slice) < end_of(slice + 1))
            pieces.push_back({static_cast<std::int64_t>(d), head, group, std::min(groups_each, groups - group),
                              end_of(slice), end_of(slice + 1)});
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const auto& a, const auto& b) { return a.pairs() > b.pairs(); });
  return pieces;
}

}  // namespace pst::kernels
