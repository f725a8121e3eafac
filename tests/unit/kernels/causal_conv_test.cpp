// SPDX-License-Identifier: Apache-2.0
#include "kernels/causal_conv/causal_conv.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::random_values;

constexpr std::size_t kColumns = 7, kTaps = 4, kRows = 40;

struct Case {
  std::vector<std::int64_t> starts = {0, 2, 35, 40};  // one shorter than the taps
  std::vector<float> x = random_values(kRows * kColumns, 1), weight = random_values(kColumns * kTaps, 2),
                     dy = random_values(kRows * kColumns, 3);
};

std::vector<double> plain(const Case& c) {
  std::vector<double> y(c.x.size());
  for (std::size_t d = 0; d + 1 < c.starts.size(); ++d)
    for (std::int64_t t = c.starts[d]; t < c.starts[d + 1]; ++t)
      for (std::size_t column = 0; column < kColumns; ++column) {
        double sum = 0;
        for (std::size_t j = 0; j < kTaps; ++j) {
          const std::int64_t row = t - static_cast<std::int64_t>(kTaps) + 1 + static_cast<std::int64_t>(j);
          if (row >= c.starts[d])
            sum += static_cast<double>(c.weight[column * kTaps + j]) *
                   static_cast<double>(c.x[static_cast<std::size_t>(row) * kColumns + column]);
        }
        y[static_cast<std::size_t>(t) * kColumns + column] = sum / (1 + std::exp(-sum));
      }
  return y;
}

std::vector<float> forward(Case& c, const Exec& on) {
  std::vector<float> y(c.x.size());
  causal_conv(on, view_of(std::span(c.x)), view_of(std::span(c.weight)), c.starts, {}, view_of(std::span(y)));
  return y;
}
std::vector<float> backward(Case& c, const Exec& on) {
  std::vector<float> dx(c.x.size());
  causal_conv_backward(on, view_of(std::span(c.dy)), view_of(std::span(c.x)), view_of(std::span(c.weight)), c.starts,
                       view_of(std::span(dx)));
  return dx;
}

TEST(CausalConv, MatchesTheFormulaInEachDocument) {
  Case c;
  fixture::expect_close(forward(c, serial_cpu()), plain(c), 1e-6);
}

TEST(CausalConv, BackwardIsTheSlopeOfForward) {
  Case c;
  const auto dx = backward(c, serial_cpu());
  const auto loss = [](const Case& at) {
    double sum = 0;
    const auto y = plain(at);
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * static_cast<double>(at.dy[i]);
    return sum;
  };
  for (std::size_t i = 0; i < dx.size(); i += 3) {
    Case up = c, down = c;
    up.x[i] += 1e-3f;
    down.x[i] -= 1e-3f;
    EXPECT_NEAR(static_cast<double>(dx[i]), (loss(up) - loss(down)) / 2e-3, 3e-4) << i;
  }
}

TEST(CausalConv, KeepsItsBitsHoweverTheWorkIsShared) {
  Case c;
  EXPECT_EQ(forward(c, serial_cpu()), forward(c, fixture::in_pieces(1)));
  EXPECT_EQ(backward(c, serial_cpu()), backward(c, fixture::in_pieces(3)));
}

TEST(CausalConv, RowsBeforeContinueADocument) {
  Case whole;
  whole.starts = {0, static_cast<std::int64_t>(kRows)};
  const auto expected = forward(whole, serial_cpu());
  Case rest = whole;
  rest.x = {whole.x.begin() + 10 * kColumns, whole.x.end()};
  rest.starts = {0, static_cast<std::int64_t>(kRows) - 10};
  std::vector<float> before(whole.x.begin() + 7 * kColumns, whole.x.begin() + 10 * kColumns), y(rest.x.size());
  causal_conv(serial_cpu(), view_of(std::span(rest.x)), view_of(std::span(rest.weight)), rest.starts,
              view_of(std::span(before)), view_of(std::span(y)));
  EXPECT_EQ(y, (std::vector<float>{expected.begin() + 10 * kColumns, expected.end()}));
}

}  // namespace
}  // namespace pst::kernels
