// SPDX-License-Identifier: Apache-2.0
#include "kernels/rms_norm/rms_norm.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::random_values;

struct Case {
  std::int64_t rows = 3, width = 37;  // a width that is no multiple of any vector
  std::vector<float> x = random_values(111, 1), residual = random_values(111, 2), weight = random_values(37, 3),
                     dy = random_values(111, 4), dsum = random_values(111, 5);
  double eps = 1e-5;
};

/// The formula of the header, in double.
double expected_y(const Case& c, std::int64_t row, std::int64_t i) {
  double squares = 0;
  const auto s = [&](std::int64_t j) {
    return static_cast<double>(c.x[static_cast<std::size_t>(row * c.width + j)]) +
           static_cast<double>(c.residual[static_cast<std::size_t>(row * c.width + j)]);
  };
  for (std::int64_t j = 0; j < c.width; ++j) squares += s(j) * s(j);
  return static_cast<double>(c.weight[static_cast<std::size_t>(i)]) * s(i) /
         std::sqrt(squares / static_cast<double>(c.width) + c.eps);
}

TEST(RmsNorm, MatchesTheFormula) {
  const Case c;
  std::vector<float> sum(111), y(111), rstd(3);

  rms_norm(serial_cpu(), const_view_of(std::span<const float>(c.x)), const_view_of(std::span<const float>(c.residual)),
           const_view_of(std::span<const float>(c.weight)), c.eps, view_of(std::span(sum)), view_of(std::span(y)),
           view_of(std::span(rstd)));

  std::vector<double> expected;
  for (std::int64_t i = 0; i < 111; ++i) expected.push_back(expected_y(c, i / c.width, i % c.width));
  fixture::expect_close(y, expected, 1e-6);
}

TEST(RmsNorm, BackwardIsTheSlopeOfForward) {
  Case c;
  const auto loss = [&](const Case& at) {  // sum of dy * y + dsum * s
    double total = 0;
    for (std::int64_t i = 0; i < 111; ++i) {
      const auto j = static_cast<std::size_t>(i);
      total += static_cast<double>(c.dy[j]) * expected_y(at, i / c.width, i % c.width) +
               static_cast<double>(c.dsum[j]) * (static_cast<double>(at.x[j]) + static_cast<double>(at.residual[j]));
    }
    return total;
  };
  std::vector<float> sum(111), y(111), rstd(3), dx(111);
  rms_norm(serial_cpu(), const_view_of(std::span<const float>(c.x)), const_view_of(std::span<const float>(c.residual)),
           const_view_of(std::span<const float>(c.weight)), c.eps, view_of(std::span(sum)), view_of(std::span(y)),
           view_of(std::span(rstd)));

  rms_norm_backward(serial_cpu(), const_view_of(std::span<const float>(c.dy)),
                    const_view_of(std::span<const float>(c.dsum)), view_of(std::span(sum)),
                    const_view_of(std::span<const float>(c.weight)), view_of(std::span(rstd)), view_of(std::span(dx)));

  for (const std::size_t i : {0u, 17u, 36u, 37u, 110u}) {
    Case up = c, down = c;
    up.x[i] += 1e-3f;
    down.x[i] -= 1e-3f;
    EXPECT_NEAR(static_cast<double>(dx[i]), (loss(up) - loss(down)) / 2e-3, 2e-3) << i;  // x itself is rounded to f32
  }
}

TEST(RmsNorm, SameBitsInAnyPieces) {
  const Case c;
  std::vector<float> once(111), pieces(111), sum(111), rstd(3);
  for (auto& [on, y] : {std::pair{serial_cpu(), &once}, {fixture::in_pieces(1), &pieces}})
    rms_norm(on, const_view_of(std::span<const float>(c.x)), const_view_of(std::span<const float>(c.residual)),
             const_view_of(std::span<const float>(c.weight)), c.eps, view_of(std::span(sum)), view_of(std::span(*y)),
             view_of(std::span(rstd)));
  EXPECT_EQ(once, pieces);
}

TEST(RmsNorm, Bf16RoundsTheF32Result) {
  const Case c;
  const auto x = fixture::rounded(c.x);
  std::vector<bf16> y(111);
  std::vector<float> rstd(3), y32(111), rstd32(3);
  const auto wide_x = fixture::widened(x);

  rms_norm(serial_cpu(), const_view_of(std::span<const bf16>(x)), {}, const_view_of(std::span<const float>(c.weight)),
           c.eps, {}, view_of(std::span(y)), view_of(std::span(rstd)));
  rms_norm(serial_cpu(), const_view_of(std::span<const float>(wide_x)), {},
           const_view_of(std::span<const float>(c.weight)), c.eps, {}, view_of(std::span(y32)),
           view_of(std::span(rstd32)));

  EXPECT_EQ(fixture::widened(y), fixture::widened(fixture::rounded(y32)));
}

TEST(RmsNorm, MismatchIsABugNotACrash) {
  std::vector<float> x(10), weight(3), rstd(3);
  EXPECT_THROW(rms_norm(serial_cpu(), view_of(std::span(x)), {}, view_of(std::span(weight)), 1e-5, {},
                        view_of(std::span(x)), view_of(std::span(rstd))),
               Error);
}

}  // namespace
}  // namespace pst::kernels
