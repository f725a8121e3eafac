// SPDX-License-Identifier: Apache-2.0
#include "kernels/delta_rule/delta_rule.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::random_values;

/// Two documents, the first longer than a chunk of backward.
struct Case {
  std::vector<std::int64_t> starts = {0, 40, 45};
  std::vector<float> q = random_values(45 * 2 * 5, 1), k = random_values(45 * 2 * 5, 2),
                     v = random_values(45 * 4 * 3, 3), g = random_values(45 * 4, 4), beta = random_values(45 * 4, 5),
                     dout = random_values(45 * 4 * 3, 6);
  Case() {
    for (float& x : k) x *= 0.6f;
    for (float& x : g) x = -std::abs(x);
    for (float& x : beta) x = 0.1f + 0.4f * std::abs(x);
  }
  DeltaShape shape() const {
    return {.key_heads = 2, .value_heads = 4, .key_dim = 5, .value_dim = 3, .starts = starts};
  }
};

/// The header's formula, in double.
std::vector<double> plain(const Case& c) {
  std::vector<double> out(c.v.size());
  for (std::size_t d = 0; d + 1 < c.starts.size(); ++d)
    for (std::size_t h = 0; h < 4; ++h) {
      double s[5][3] = {};
      for (auto t = static_cast<std::size_t>(c.starts[d]); t < static_cast<std::size_t>(c.starts[d + 1]); ++t) {
        const auto q = [&](std::size_t i) { return static_cast<double>(c.q[(t * 2 + h / 2) * 5 + i]); };
        const auto k = [&](std::size_t i) { return static_cast<double>(c.k[(t * 2 + h / 2) * 5 + i]); };
        for (std::size_t j = 0; j < 3; ++j) {
          double found = 0;
          for (std::size_t i = 0; i < 5; ++i) {
            s[i][j] *= std::exp(static_cast<double>(c.g[t * 4 + h]));
            found += s[i][j] * k(i);
          }
          const double delta =
              static_cast<double>(c.beta[t * 4 + h]) * (static_cast<double>(c.v[(t * 4 + h) * 3 + j]) - found);
          for (std::size_t i = 0; i < 5; ++i) {
            s[i][j] += k(i) * delta;
            out[(t * 4 + h) * 3 + j] += s[i][j] * q(i);
          }
        }
      }
    }
  return out;
}

struct Gradients {
  std::vector<float> q = std::vector<float>(450), k = q, v = std::vector<float>(540), g = std::vector<float>(180),
                     beta = g;
};
Gradients backward(Case& c, const Exec& on) {
  Gradients d;
  const auto of = [](std::vector<float>& x) { return view_of(std::span(x)); };
  delta_rule_backward(on, of(c.dout), of(c.q), of(c.k), of(c.v), of(c.g), of(c.beta), c.shape(), of(d.q), of(d.k),
                      of(d.v), of(d.g), of(d.beta));
  return d;
}

std::vector<float> forward(Case& c, const Exec& on, View state = {}) {
  std::vector<float> out(c.v.size());
  const auto of = [](std::vector<float>& x) { return view_of(std::span(x)); };
  delta_rule(on, of(c.q), of(c.k), of(c.v), of(c.g), of(c.beta), c.shape(), state, of(out));
  return out;
}

TEST(DeltaRule, MatchesTheFormulaInEachDocument) {
  Case c;
  fixture::expect_close(forward(c, serial_cpu()), plain(c), 5e-6, 5e-6);
}

TEST(DeltaRule, BackwardIsTheSlopeOfForward) {
  Case c;
  const Gradients d = backward(c, serial_cpu());
  const auto loss = [](const Case& at) {
    double sum = 0;
    const auto out = plain(at);
    for (std::size_t i = 0; i < out.size(); ++i) sum += out[i] * static_cast<double>(at.dout[i]);
    return sum;
  };
  const auto expect_slopes = [&](std::vector<float> Case::*input, const std::vector<float>& found) {
    for (std::size_t i = 0; i < found.size(); i += 7) {
      Case up = c, down = c;
      (up.*input)[i] += 1e-3f;
      (down.*input)[i] -= 1e-3f;
      const double step = static_cast<double>((up.*input)[i]) - static_cast<double>((down.*input)[i]);
      EXPECT_NEAR(static_cast<double>(found[i]), (loss(up) - loss(down)) / step, 3e-4) << i;
    }
  };
  expect_slopes(&Case::q, d.q);
  expect_slopes(&Case::k, d.k);
  expect_slopes(&Case::v, d.v);
  expect_slopes(&Case::g, d.g);
  expect_slopes(&Case::beta, d.beta);
}

TEST(DeltaRule, KeepsItsBitsHoweverTheWorkIsShared) {
  Case c;
  EXPECT_EQ(forward(c, serial_cpu()), forward(c, fixture::in_pieces(1)));
  const Gradients alone = backward(c, serial_cpu()), shared = backward(c, fixture::in_pieces(1));
  EXPECT_EQ(alone.q, shared.q);
  EXPECT_EQ(alone.k, shared.k);
  EXPECT_EQ(alone.v, shared.v);
  EXPECT_EQ(alone.g, shared.g);
  EXPECT_EQ(alone.beta, shared.beta);
}

TEST(DeltaRule, AStateContinuesADocument) {
  Case whole;
  whole.starts = {0, 45};
  const auto expected = forward(whole, serial_cpu());
  Case first = whole, second = whole;
  const auto cut = [](std::vector<float>& x, std::size_t width, std::size_t from, std::size_t to) {
    x = {x.begin() + static_cast<std::ptrdiff_t>(from * width), x.begin() + static_cast<std::ptrdiff_t>(to * width)};
  };
  for (auto& [part, from, to] : {std::tuple<Case&, std::size_t, std::size_t>{first, 0, 20}, {second, 20, 45}}) {
    cut(part.q, 10, from, to);
    cut(part.k, 10, from, to);
    cut(part.v, 12, from, to);
    cut(part.g, 4, from, to);
    cut(part.beta, 4, from, to);
    part.starts = {0, static_cast<std::int64_t>(to - from)};
  }
  std::vector<float> state(4 * 5 * 3);
  auto found = forward(first, serial_cpu(), view_of(std::span(state)));
  const auto rest = forward(second, serial_cpu(), view_of(std::span(state)));
  found.insert(found.end(), rest.begin(), rest.end());
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace pst::kernels
