// SPDX-License-Identifier: Apache-2.0
#include "kernels/reduce/reduce.hpp"

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
