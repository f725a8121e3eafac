// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.hpp"

#include <algorithm>
#include <numeric>

#include "support/values.hpp"

namespace pst::kernels {
namespace {

TEST(Reduce, SumOfSquaresHasTheSameBitsInAnyPieces) {
  auto x = fixture::random_values(100001, 1);
  double expected = 0;
  for (const float v : x) expected += static_cast<double>(v) * static_cast<double>(v);

  const double once = sum_of_squares(serial_cpu(), view_of(std::span(x)));

  EXPECT_NEAR(once, expected, 1e-9 * expected);
  EXPECT_EQ(once, sum_of_squares(fixture::in_pieces(3), view_of(std::span(x))));
}

TEST(Reduce, BlocksOfSquaresAddUpToTheSum) {
  for (const std::int64_t count : {std::int64_t{0}, std::int64_t{5}, kSquareBlock, 3 * kSquareBlock + 1}) {
    auto x = fixture::random_values(static_cast<std::size_t>(count), 1);
    const View all = view_of(std::span(x));
    std::vector<double> blocks(static_cast<std::size_t>((count + kSquareBlock - 1) / kSquareBlock));
    squares_of_blocks(fixture::in_pieces(3), all, blocks);
    EXPECT_EQ(std::accumulate(blocks.begin(), blocks.end(), 0.0), sum_of_squares(serial_cpu(), all));
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      const std::int64_t begin = static_cast<std::int64_t>(b) * kSquareBlock;
      EXPECT_EQ(blocks[b], sum_of_squares(serial_cpu(), all.part(begin, std::min(kSquareBlock, count - begin))));
    }
    blocks.push_back(0);
    EXPECT_THROW(squares_of_blocks(serial_cpu(), all, blocks), Error);
  }
}

TEST(Reduce, AddAndScale) {
  auto a = fixture::random_values(1000, 1), b = fixture::random_values(1000, 2);
  const auto before = a;
  add(serial_cpu(), view_of(std::span(a)), view_of(std::span(b)));
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_EQ(a[i], before[i] + b[i]);
  scale(serial_cpu(), view_of(std::span(b)), 0.5);
  EXPECT_THROW(add(serial_cpu(), view_of(std::span(a)), view_of(std::span(b).subspan(1))), Error);
}

}  // namespace
}  // namespace pst::kernels
