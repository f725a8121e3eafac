// SPDX-License-Identifier: Apache-2.0
#include "kernels/activation/activation.hpp"

#include <array>
#include <numbers>

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::random_values;

double silu(double x) { return x / (1 + std::exp(-x)); }
double gelu_tanh(double x) {
  return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}
double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); }
double relu(double x) { return std::max(x, 0.0); }
double relu2(double x) { return relu(x) * relu(x); }
double clamped(double gate, double up) {
  const double g = std::min(gate, 7.0), u = std::clamp(up, -7.0, 7.0);
  return (u + 1) * g / (1 + std::exp(-1.702 * g));
}

double formula(Act act, double x) {
  switch (act) {
    case Act::silu: return silu(x);
    case Act::gelu_tanh: return gelu_tanh(x);
    case Act::gelu: return gelu(x);
    case Act::relu: return relu(x);
    case Act::relu2: return relu2(x);
    case Act::clamped: break;
  }
  throw Error(Fault::bug, "needs a gate");
}
double formula(Act act, double gate, double up) {
  return act == Act::clamped ? clamped(gate, up) : formula(act, gate) * up;
}

constexpr std::array kAll = {Act::silu, Act::gelu_tanh, Act::gelu, Act::relu, Act::relu2, Act::clamped};

struct Inputs {
  std::vector<float> gate, up, dout;
  explicit Inputs(float most) {
    for (float g = -most; g < most; g += most / 257.5f) gate.push_back(g);
    up = random_values(gate.size(), 2);
    for (float& u : up) u *= 6;  // some beyond the clamp
    dout = random_values(gate.size(), 3);
  }
};

TEST(Activation, MatchesTheFormulaOverTheWholeRange) {
  for (const Act act : kAll) {
    SCOPED_TRACE(static_cast<int>(act));
    Inputs in(95);
    std::vector<float> out(in.gate.size());
    gated(serial_cpu(), act, view_of(std::span(in.gate)), view_of(std::span(in.up)), view_of(std::span(out)));
    std::vector<double> expected;
    for (std::size_t i = 0; i < out.size(); ++i)
      expected.push_back(formula(act, static_cast<double>(in.gate[i]), static_cast<double>(in.up[i])));
    fixture::expect_close(out, expected, 2e-6, 2e-6);
    if (act == Act::clamped) continue;

    activate(serial_cpu(), act, view_of(std::span(in.gate)), view_of(std::span(out)));
    for (std::size_t i = 0; i < out.size(); ++i) expected[i] = formula(act, static_cast<double>(in.gate[i]));
    fixture::expect_close(out, expected, 5e-7, 1e-6);
  }
}

TEST(Activation, BackwardIsTheSlopeOfForward) {
  constexpr double kStep = 1e-6;
  for (const Act act : kAll) {
    SCOPED_TRACE(static_cast<int>(act));
    Inputs in(9);
    std::vector<float> dgate(in.gate.size()), dup(in.gate.size());
    gated_backward(serial_cpu(), act, view_of(std::span(in.dout)), view_of(std::span(in.gate)),
                   view_of(std::span(in.up)), view_of(std::span(dgate)), view_of(std::span(dup)));
    for (std::size_t i = 0; i < dup.size(); ++i) {
      const auto g = static_cast<double>(in.gate[i]), u = static_cast<double>(in.up[i]);
      const auto d = static_cast<double>(in.dout[i]);
      EXPECT_NEAR(static_cast<double>(dgate[i]),
                  d * (formula(act, g + kStep, u) - formula(act, g - kStep, u)) / (2 * kStep), 4e-5);
      EXPECT_NEAR(static_cast<double>(dup[i]),
                  d * (formula(act, g, u + kStep) - formula(act, g, u - kStep)) / (2 * kStep), 2e-5);
    }
    if (act == Act::clamped) continue;
    activate_backward(serial_cpu(), act, view_of(std::span(in.dout)), view_of(std::span(in.gate)),
                      view_of(std::span(dgate)));
    for (std::size_t i = 0; i < dup.size(); ++i) {
      const auto g = static_cast<double>(in.gate[i]), d = static_cast<double>(in.dout[i]);
      EXPECT_NEAR(static_cast<double>(dgate[i]), d * (formula(act, g + kStep) - formula(act, g - kStep)) / (2 * kStep),
                  1e-5);
    }
  }
}

TEST(Activation, TheClampedOneNeedsAGate) {
  std::vector<float> x(4);
  EXPECT_THROW(activate(serial_cpu(), Act::clamped, view_of(std::span(x)), view_of(std::span(x))), Error);
}

}  // namespace
}  // namespace pst::kernels
