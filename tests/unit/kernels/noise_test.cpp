// SPDX-License-Identifier: Apache-2.0
#include "kernels/noise/noise.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

TEST(UniformNoise, IsTheStreamsOwnNumbersTimesTheRowsMagnitude) {
  std::vector<float> magnitude = {0.5f, 0, 3.0f}, out(3 * 7);
  const Rng rng = Rng(5).child("here");

  uniform_noise(serial_cpu(), view_of(std::span(magnitude)), rng, view_of(std::span(out)));

  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(out[i], magnitude[i / 7] * (2 * rng.uniform(i) - 1)) << i;
}

TEST(UniformNoise, IsUniformOnBothSidesOfZero) {
  std::vector<float> magnitude(10, 2.0f), out(10 * 20001);
  uniform_noise(serial_cpu(), view_of(std::span(magnitude)), Rng(5), view_of(std::span(out)));
  double sum = 0, squares = 0;
  for (const float v : out) {
    ASSERT_TRUE(v >= -2 && v < 2) << v;
    sum += static_cast<double>(v);
    squares += static_cast<double>(v) * static_cast<double>(v);
  }
  const double count = static_cast<double>(out.size()), variance = 4.0 / 3;
  EXPECT_NEAR(sum / count, 0, 5 * std::sqrt(variance / count));  // five standard deviations, of the squares too
  EXPECT_NEAR(squares / count, variance, 5 * std::sqrt((16.0 / 5 - variance * variance) / count));
}

TEST(UniformNoise, DependsOnTheStreamOnly) {
  std::vector<float> magnitude(11, 1.0f);
  const auto of = [&](const Exec& on, std::uint64_t seed) {
    std::vector<float> out(11 * 37);
    uniform_noise(on, view_of(std::span(magnitude)), Rng(seed), view_of(std::span(out)));
    return out;
  };
  EXPECT_EQ(of(serial_cpu(), 5), of(fixture::in_pieces(1), 5));
  EXPECT_NE(of(serial_cpu(), 5), of(serial_cpu(), 6));
}

}  // namespace
}  // namespace pst::kernels
