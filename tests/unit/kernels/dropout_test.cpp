// SPDX-License-Identifier: Apache-2.0
#include "kernels/dropout/dropout.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

TEST(Dropout, KeepsTheShareItShouldAndRescales) {
  std::vector<float> ones(200003, 1.0f), out(ones.size());

  dropout(serial_cpu(), view_of(std::span(ones)), 0.1, Rng(5), view_of(std::span(out)));

  const auto kept = std::count_if(out.begin(), out.end(), [](float v) { return v != 0; });
  EXPECT_NEAR(static_cast<double>(kept) / 200003.0, 0.9, 0.004);  // six standard deviations
  for (const float v : out) ASSERT_TRUE(v == 0 || std::abs(v - 1 / 0.9f) < 1e-4f) << v;
}

TEST(Dropout, MaskDependsOnTheStreamOnly) {
  std::vector<float> ones(1000, 1.0f), a(1000), b(1000), c(1000);
  dropout(serial_cpu(), view_of(std::span(ones)), 0.5, Rng(5), view_of(std::span(a)));
  dropout(fixture::in_pieces(1), view_of(std::span(ones)), 0.5, Rng(5), view_of(std::span(b)));
  dropout(serial_cpu(), view_of(std::span(ones)), 0.5, Rng(6), view_of(std::span(c)));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

}  // namespace
}  // namespace pst::kernels
