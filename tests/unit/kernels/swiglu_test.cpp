// SPDX-License-Identifier: Apache-2.0
#include "kernels/swiglu/swiglu.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

double silu(double g) { return g / (1 + std::exp(-g)); }

TEST(Swiglu, MatchesTheFormulaOverTheWholeRange) {
  std::vector<float> gate, up;
  for (float g = -95; g < 95; g += 0.37f) {
    gate.push_back(g);
    up.push_back(0.5f + 0.01f * g);
  }
  std::vector<float> out(gate.size());

  swiglu(serial_cpu(), view_of(std::span(gate)), view_of(std::span(up)), view_of(std::span(out)));

  std::vector<double> expected;
  for (std::size_t i = 0; i < gate.size(); ++i)
    expected.push_back(silu(static_cast<double>(gate[i])) * static_cast<double>(up[i]));
  fixture::expect_close(out, expected, 1e-7, 1e-6);
}

TEST(Swiglu, BackwardIsTheSlopeOfForward) {
  auto gate = fixture::random_values(50, 1), up = fixture::random_values(50, 2), dout = fixture::random_values(50, 3);
  std::vector<float> dgate(50), dup(50);

  swiglu_backward(serial_cpu(), view_of(std::span(dout)), view_of(std::span(gate)), view_of(std::span(up)),
                  view_of(std::span(dgate)), view_of(std::span(dup)));

  for (std::size_t i = 0; i < 50; ++i) {
    const double g = static_cast<double>(gate[i]), u = static_cast<double>(up[i]), d = static_cast<double>(dout[i]);
    EXPECT_NEAR(static_cast<double>(dgate[i]), d * u * (silu(g + 1e-6) - silu(g - 1e-6)) / 2e-6, 1e-5);
    EXPECT_NEAR(static_cast<double>(dup[i]), d * silu(g), 1e-6);
  }
}

}  // namespace
}  // namespace pst::kernels
