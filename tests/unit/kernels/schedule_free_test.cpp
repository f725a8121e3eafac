// SPDX-License-Identifier: Apache-2.0
#include "kernels/schedule_free/schedule_free.hpp"

#include <cmath>

#include "support/values.hpp"

namespace pst::kernels {
namespace {

TEST(ScheduleFree, FollowsAlgorithm1InDouble) {
  ScheduleFree s{.lr = 1e-2, .beta2 = 0.95, .weight_decay = 0.1, .gradient_factor = 0.5};
  auto y = fixture::random_values(500, 1), z = y, x = y;
  std::vector<float> v(500);
  std::vector<double> dy(y.begin(), y.end()), dz = dy, dx = dy, dv(500);

  for (std::int64_t step = 1; step <= 5; ++step) {
    auto gradient = fixture::random_values(500, static_cast<std::uint64_t>(10 + step));
    s.step = step;
    s.average_weight = 1.0 / static_cast<double>(step);
    schedule_free(serial_cpu(), s, view_of(std::span(y)), view_of(std::span(gradient)), view_of(std::span(z)),
                  view_of(std::span(v)), view_of(std::span(x)));
    for (std::size_t i = 0; i < 500; ++i) {
      const double g = static_cast<double>(gradient[i]) * 0.5;
      dv[i] = 0.95 * dv[i] + 0.05 * g * g;
      const double d = g / (std::sqrt(dv[i] / (1 - std::pow(0.95, step))) + 1e-8) + 0.1 * dy[i];
      dz[i] -= 1e-2 * d;
      dx[i] += (dz[i] - dx[i]) / static_cast<double>(step);
      dy[i] = 0.1 * dz[i] + 0.9 * dx[i];
    }
  }

  fixture::expect_close(y, dy, 1e-6);
  fixture::expect_close(z, dz, 1e-6);
  fixture::expect_close(x, dx, 1e-6);
}

}  // namespace
}  // namespace pst::kernels
