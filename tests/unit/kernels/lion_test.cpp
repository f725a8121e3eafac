// SPDX-License-Identifier: Apache-2.0
#include "kernels/lion/lion.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

TEST(Lion, FollowsAlgorithm2InDouble) {
  const Lion s{.lr = 1e-2, .weight_decay = 0.1, .gradient_factor = 0.5};
  auto value = fixture::random_values(500, 1);
  std::vector<float> momentum(500);
  std::vector<double> p(value.begin(), value.end()), m(500);

  for (std::uint64_t step = 1; step <= 5; ++step) {
    auto gradient = fixture::random_values(500, 10 + step);
    lion(serial_cpu(), s, view_of(std::span(value)), view_of(std::span(gradient)), view_of(std::span(momentum)));
    for (std::size_t i = 0; i < 500; ++i) {
      const double g = static_cast<double>(gradient[i]) * 0.5, direction = 0.9 * m[i] + 0.1 * g;
      p[i] = p[i] * (1 - 1e-2 * 0.1) - 1e-2 * (direction > 0 ? 1 : direction < 0 ? -1 : 0);
      m[i] = 0.99 * m[i] + 0.01 * g;
    }
  }

  fixture::expect_close(value, p, 1e-6);
  fixture::expect_close(momentum, m, 1e-6);
}

TEST(Lion, WithoutDirectionNothingMoves) {
  std::vector<float> value = {1, 2}, gradient = {0, 0}, momentum = {0, -1};

  lion(serial_cpu(), {.lr = 0.5}, view_of(std::span(value)), view_of(std::span(gradient)),
       view_of(std::span(momentum)));

  EXPECT_EQ(value, (std::vector<float>{1, 2.5f}));
}

}  // namespace
}  // namespace pst::kernels
