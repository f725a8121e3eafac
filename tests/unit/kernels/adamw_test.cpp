// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw/adamw.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

TEST(AdamW, FollowsAlgorithm2InDouble) {
  auto value = fixture::random_values(500, 1);
  const AdamW settings{
      .lr = 1e-2, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .gradient_factor = 0.5};
  std::vector<float> m(500), v(500);
  std::vector<double> p(value.begin(), value.end()), dm(500), dv(500);

  for (std::int64_t step = 1; step <= 5; ++step) {
    auto gradient = fixture::random_values(500, static_cast<std::uint64_t>(10 + step));
    AdamW now = settings;
    now.step = step;
    adamw(serial_cpu(), now, view_of(std::span(value)), view_of(std::span(gradient)), view_of(std::span(m)),
          view_of(std::span(v)));
    for (std::size_t i = 0; i < 500; ++i) {
      const double g = static_cast<double>(gradient[i]) * 0.5;
      dm[i] = 0.9 * dm[i] + 0.1 * g;
      dv[i] = 0.95 * dv[i] + 0.05 * g * g;
      p[i] -= 1e-2 * 0.1 * p[i];
      p[i] -= 1e-2 * (dm[i] / (1 - std::pow(0.9, step))) / (std::sqrt(dv[i] / (1 - std::pow(0.95, step))) + 1e-8);
    }
  }

  fixture::expect_close(value, p, 1e-6);
}

TEST(AdamW, WithoutGradientAndDecayNothingMoves) {
  auto value = fixture::random_values(500, 1);
  const auto before = value;
  std::vector<float> gradient(500), m(500), v(500);

  adamw(serial_cpu(), {.lr = 1e-2, .step = 1}, view_of(std::span(value)), view_of(std::span(gradient)),
        view_of(std::span(m)), view_of(std::span(v)));

  EXPECT_EQ(value, before);
}

}  // namespace
}  // namespace pst::kernels
