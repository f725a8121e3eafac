// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/pieces.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace pst::kernels {
namespace {

const std::vector<std::int64_t> kStarts = {0, 1, 1, 300, 4396, 5000, 6447};

using Cut = AttentionCut (*)(std::int64_t, std::int64_t);
class AttentionPieces : public testing::TestWithParam<Cut> {
 protected:
  const AttentionShape shape_{14, 2, 64, kStarts};
  const std::vector<AttentionPiece> pieces_ = pieces_of(shape_, GetParam());
};
INSTANTIATE_TEST_SUITE_P(Passes, AttentionPieces, testing::Values(&forward_cut, &backward_cut));

TEST_P(AttentionPieces, HaveEveryRowUnderEveryQueryHeadOnce) {
  std::map<std::tuple<std::int64_t, std::int64_t>, std::vector<int>> seen;  // of document and query head: its rows
  for (std::size_t d = 0; d + 1 < kStarts.size(); ++d)
    for (std::int64_t head = 0; head < 14; ++head)
      seen[{static_cast<std::int64_t>(d), head}].resize(static_cast<std::size_t>(kStarts[d + 1] - kStarts[d]));
  for (const AttentionPiece& p : pieces_)
    for (std::int64_t g = p.group; g < p.group + p.groups; ++g)
      for (std::int64_t row = p.row; row < p.row_end; ++row)
        ++seen.at({p.document, p.head * 7 + g}).at(static_cast<std::size_t>(row));

  for (const auto& [which, rows] : seen) EXPECT_THAT(rows, testing::Each(1));
}

TEST_P(AttentionPieces, ComeWithTheMostWorkFirst) {
  EXPECT_TRUE(std::is_sorted(pieces_.begin(), pieces_.end(),
                             [](const auto& a, const auto& b) { return a.pairs() > b.pairs(); }));
}

TEST(AttentionPiecesForward, OfALongDocumentAreAlike) {
  const std::vector<std::int64_t> starts = {0, 4096};
  const auto pieces = pieces_of({8, 8, 128, starts}, &forward_cut);

  EXPECT_GE(pieces.size(), 64u);
  EXPECT_LE(static_cast<double>(pieces.front().pairs()), 1.2 * static_cast<double>(pieces.back().pairs()));
}

TEST(AttentionPiecesForward, OfShortDocumentsAreWhole) {
  const std::vector<std::int64_t> starts = {0, 256, 512};
  EXPECT_EQ(pieces_of({9, 3, 64, starts}, &forward_cut).size(), 6u);  // documents times key/value heads
}

}  // namespace
}  // namespace pst::kernels
