// SPDX-License-Identifier: Apache-2.0
#include "kernels/sgd/sgd.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

class SgdInDouble : public testing::TestWithParam<Sgd> {};
INSTANTIATE_TEST_SUITE_P(Settings, SgdInDouble,
                         testing::Values(Sgd{.lr = 1e-2, .momentum = 0},
                                         Sgd{.lr = 1e-2, .weight_decay = 0.1, .gradient_factor = 0.5},
                                         Sgd{.lr = 1e-2, .weight_decay = 0.1, .nesterov = true}));

TEST_P(SgdInDouble, FollowsItsFormula) {
  const Sgd s = GetParam();
  auto value = fixture::random_values(500, 1);
  std::vector<float> momentum(500);
  std::vector<double> p(value.begin(), value.end()), v(500);

  for (std::uint64_t step = 1; step <= 5; ++step) {
    auto gradient = fixture::random_values(500, 10 + step);
    sgd(serial_cpu(), s, view_of(std::span(value)), view_of(std::span(gradient)), view_of(std::span(momentum)));
    for (std::size_t i = 0; i < 500; ++i) {
      const double g = static_cast<double>(gradient[i]) * s.gradient_factor + s.weight_decay * p[i];
      v[i] = s.momentum * v[i] + g;
      p[i] -= s.lr * (s.nesterov ? g + s.momentum * v[i] : v[i]);
    }
  }

  fixture::expect_close(value, p, 1e-6);
  fixture::expect_close(momentum, v, 1e-6);
}

TEST(Sgd, WithoutGradientAndDecayMomentumMovesOn) {
  std::vector<float> value = {1}, gradient = {0}, momentum = {2};

  sgd(serial_cpu(), {.lr = 0.5, .momentum = 0.5}, view_of(std::span(value)), view_of(std::span(gradient)),
      view_of(std::span(momentum)));

  EXPECT_EQ(momentum[0], 1);
  EXPECT_EQ(value[0], 0.5f);
}

}  // namespace
}  // namespace pst::kernels
