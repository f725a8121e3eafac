// SPDX-License-Identifier: Apache-2.0
#include "kernels/layer_norm/layer_norm.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::random_values;

/// Four rows of 37 values, under two rows of weights.
struct Case {
  std::vector<float> x = random_values(148, 1), residual = random_values(148, 2), weight = random_values(74, 3),
                     bias = random_values(74, 6), dy = random_values(148, 4), dsum = random_values(148, 5);
  double s(std::size_t i) const { return static_cast<double>(x[i]) + static_cast<double>(residual[i]); }
};
constexpr double kEps = 1e-5;
constexpr std::size_t kWidth = 37;

/// The formula of the header, in double.
std::vector<double> expected_y(const Case& c) {
  std::vector<double> y;
  for (std::size_t row = 0; row < 4; ++row) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < kWidth; ++i) mean += c.s(row * kWidth + i) / kWidth;
    for (std::size_t i = 0; i < kWidth; ++i) variance += std::pow(c.s(row * kWidth + i) - mean, 2) / kWidth;
    for (std::size_t i = 0; i < kWidth; ++i) {
      const std::size_t w = row % 2 * kWidth + i;
      y.push_back(static_cast<double>(c.weight[w]) * (c.s(row * kWidth + i) - mean) / std::sqrt(variance + kEps) +
                  static_cast<double>(c.bias[w]));
    }
  }
  return y;
}

struct Results {
  std::vector<float> sum = std::vector<float>(148), y = std::vector<float>(148), statistics = std::vector<float>(8);
};
Results forward(Case& c, const Exec& on = serial_cpu()) {
  Results r;
  layer_norm(on, view_of(std::span(c.x)), view_of(std::span(c.residual)), view_of(std::span(c.weight)),
             view_of(std::span(c.bias)), kWidth, kEps, view_of(std::span(r.sum)), view_of(std::span(r.y)),
             view_of(std::span(r.statistics)));
  return r;
}

TEST(LayerNorm, MatchesTheFormula) {
  Case c;
  fixture::expect_close(forward(c).y, expected_y(c), 2e-6);
}

TEST(LayerNorm, BackwardIsTheSlopeOfForward) {
  Case c;
  const auto loss = [](const Case& at) {  // sum of dy * y + dsum * s
    const auto y = expected_y(at);
    double total = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      total += static_cast<double>(at.dy[i]) * y[i] + static_cast<double>(at.dsum[i]) * at.s(i);
    return total;
  };
  Results r = forward(c);
  std::vector<float> dx(148);
  layer_norm_backward(serial_cpu(), view_of(std::span(c.dy)), view_of(std::span(c.dsum)), view_of(std::span(r.sum)),
                      view_of(std::span(c.weight)), kWidth, view_of(std::span(r.statistics)), view_of(std::span(dx)));
  for (const std::size_t i : {0u, 17u, 36u, 37u, 147u}) {
    Case up = c, down = c;
    up.x[i] += 1e-3f;
    down.x[i] -= 1e-3f;
    EXPECT_NEAR(static_cast<double>(dx[i]), (loss(up) - loss(down)) / 2e-3, 2e-3) << i;
  }
}

TEST(LayerNorm, SameBitsInAnyPieces) {
  Case c;
  EXPECT_EQ(forward(c).y, forward(c, fixture::in_pieces(1)).y);
}

TEST(LayerNorm, MismatchIsABugNotACrash) {
  std::vector<float> x(10), weight(3), statistics(6);
  EXPECT_THROW(layer_norm(serial_cpu(), view_of(std::span(x)), {}, view_of(std::span(weight)), {}, 3, kEps, {},
                          view_of(std::span(x)), view_of(std::span(statistics))),
               Error);
}

}  // namespace
}  // namespace pst::kernels
