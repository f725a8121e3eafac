// SPDX-License-Identifier: Apache-2.0
#include "kernels/rope/rope.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

struct Table {
  std::vector<float> cosines, sines;
  Table() {
    for (int position = 0; position < 9; ++position)
      for (int i = 0; i < 3; ++i) {
        cosines.push_back(std::cos(0.3f * static_cast<float>(position * (i + 1))));
        sines.push_back(std::sin(0.3f * static_cast<float>(position * (i + 1))));
      }
  }
};

TEST(Rope, RotatesHalfSplitPairsByTheRowsAngle) {
  Table table;
  const auto before = fixture::random_values(2 * 2 * 6, 1);
  auto x = before;
  std::vector<std::int32_t> positions = {0, 7};

  rope(serial_cpu(), view_of(std::span(x)), {.heads = 2, .dim = 6, .half = 3}, view_of(std::span(positions)),
       view_of(std::span(table.cosines)), view_of(std::span(table.sines)), Turn::forward);

  EXPECT_EQ(std::vector<float>(x.begin(), x.begin() + 12),
            std::vector<float>(before.begin(), before.begin() + 12));    // position 0 turns nothing
  const float c = table.cosines[7 * 3 + 1], s = table.sines[7 * 3 + 1];  // second row, second head, pair 1 is (1, 4)
  EXPECT_FLOAT_EQ(x[18 + 1], before[18 + 1] * c - before[18 + 4] * s);
  EXPECT_FLOAT_EQ(x[18 + 4], before[18 + 4] * c + before[18 + 1] * s);
}

TEST(Rope, NeighboursTurnTogetherAndTheRestStays) {
  Table table;
  const auto before = fixture::random_values(2 * 8, 1);
  auto x = before;
  std::vector<std::int32_t> positions = {5};

  rope(serial_cpu(), view_of(std::span(x)), {.heads = 2, .dim = 8, .half = 3, .pairs = Pairs::neighbours},
       view_of(std::span(positions)), view_of(std::span(table.cosines)), view_of(std::span(table.sines)),
       Turn::forward);

  const float c = table.cosines[5 * 3 + 2], s = table.sines[5 * 3 + 2];  // second head, pair 2 is (4, 5)
  EXPECT_FLOAT_EQ(x[8 + 4], before[8 + 4] * c - before[8 + 5] * s);
  EXPECT_FLOAT_EQ(x[8 + 5], before[8 + 5] * c + before[8 + 4] * s);
  for (const std::size_t stays : {6u, 7u, 14u, 15u}) EXPECT_EQ(x[stays], before[stays]);
}

TEST(Rope, BackUndoesForward) {
  Table table;
  const auto before = fixture::random_values(3 * 6, 1);
  auto x = before;
  std::vector<std::int32_t> positions = {1, 4, 8};
  for (const Turn turn : {Turn::forward, Turn::back})
    rope(serial_cpu(), view_of(std::span(x)), {.heads = 1, .dim = 6, .half = 3}, view_of(std::span(positions)),
         view_of(std::span(table.cosines)), view_of(std::span(table.sines)), turn);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], before[i], 1e-6f);
}

TEST(Rope, RefusesAPositionOutsideTheTable) {
  Table table;
  std::vector<float> x(6);
  std::vector<std::int32_t> positions = {9};
  EXPECT_THROW(
      rope(serial_cpu(), view_of(std::span(x)), {.heads = 1, .dim = 6, .half = 3}, view_of(std::span(positions)),
           view_of(std::span(table.cosines)), view_of(std::span(table.sines)), Turn::forward),
      Error);
}

}  // namespace
}  // namespace pst::kernels
