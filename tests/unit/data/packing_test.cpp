// SPDX-License-Identifier: Apache-2.0
#include "data/packing.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "core/rng.hpp"

namespace pst::data {
namespace {

using ::testing::ElementsAre;

std::vector<std::uint32_t> in_order(std::size_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  return order;
}

TEST(Packing, BestFitTakesTheFullestRowWithRoom) {
  const std::vector<std::uint32_t> lengths = {4, 7, 3, 6, 2, 8};

  // 8 | 7 | 6 | 6+4 | 7+3 | 8+2
  EXPECT_THAT(pack_best_fit(lengths, in_order(6), 10),
              ElementsAre(ElementsAre(5, 4), ElementsAre(1, 2), ElementsAre(3, 0)));
}

TEST(Packing, InOrderOpensARowWhenADocumentDoesNotFit) {
  const std::vector<std::uint32_t> lengths = {4, 6, 1, 9, 10};

  EXPECT_THAT(pack_in_order(lengths, in_order(5), 10),
              ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4)));
}

TEST(Packing, NothingPacksToNothing) {
  EXPECT_TRUE(pack_best_fit({}, {}, 10).empty());
  EXPECT_TRUE(pack_in_order({}, {}, 10).empty());
}

TEST(Packing, EveryDocumentOnceAndNoRowTooLong) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const Rng rng(seed);
    const std::uint32_t capacity = 64;
    std::vector<std::uint32_t> lengths(3000);
    for (std::size_t i = 0; i < lengths.size(); ++i)
      lengths[i] = static_cast<std::uint32_t>(1 + rng.below(capacity, i));

    for (const auto& rows : {pack_best_fit(lengths, in_order(lengths.size()), capacity),
                             pack_in_order(lengths, in_order(lengths.size()), capacity)}) {
      std::vector<int> seen(lengths.size(), 0);
      for (const Row& row : rows) {
        std::uint32_t total = 0;
        for (const auto document : row) {
          ++seen[document];
          total += lengths[document];
        }
        EXPECT_LE(total, capacity);
        EXPECT_FALSE(row.empty());
      }
      EXPECT_THAT(seen, ::testing::Each(1));
    }
  }
}

/// What best fit decreasing should do: the plain loop over all rows.
std::vector<Row> slow_best_fit(const std::vector<std::uint32_t>& lengths, std::uint32_t capacity) {
  auto order = in_order(lengths.size());
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return lengths[a] > lengths[b]; });
  std::vector<Row> rows;
  std::vector<std::uint32_t> room;
  for (const auto document : order) {
    std::size_t best = rows.size();
    for (std::size_t row = 0; row < rows.size(); ++row)
      if (room[row] >= lengths[document] && (best == rows.size() || room[row] < room[best])) best = row;
    if (best == rows.size()) {
      rows.emplace_back();
      room.push_back(capacity);
    }
    rows[best].push_back(document);
    room[best] -= lengths[document];
  }
  return rows;
}

TEST(Packing, BestFitEqualsThePlainLoop) {
  const Rng rng(7);
  std::vector<std::uint32_t> lengths(500);
  for (std::size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<std::uint32_t>(1 + rng.below(40, i));

  EXPECT_EQ(pack_best_fit(lengths, in_order(lengths.size()), 40), slow_best_fit(lengths, 40));
}

TEST(Packing, RefusesADocumentThatIsLongerThanARow) {
  const std::vector<std::uint32_t> lengths = {11};

  EXPECT_ANY_THROW(pack_best_fit(lengths, in_order(1), 10));
  EXPECT_ANY_THROW(pack_in_order(lengths, in_order(1), 10));
}

}  // namespace
}  // namespace pst::data
