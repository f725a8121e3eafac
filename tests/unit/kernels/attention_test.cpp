// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/attention.hpp"

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::expect_close;
using fixture::random_values;

struct Case {
  std::int64_t query_heads, key_value_heads, dim;
  std::vector<std::int64_t> starts;
  std::int64_t window = 0;
  double scale = 0, cap = 0;
  std::vector<float> slopes = {};
  std::int64_t rows() const { return starts.back(); }
  AttentionShape shape() const { return {query_heads, key_value_heads, dim, starts, window, scale, cap, slopes}; }
};

template <class T>
struct Tensors {
  std::vector<T> q, k, v, dout;
};

Tensors<float> tensors(const Case& c) {
  const auto size = [&](std::int64_t heads) { return static_cast<std::size_t>(c.rows() * heads * c.dim); };
  return {random_values(size(c.query_heads), 1), random_values(size(c.key_value_heads), 2),
          random_values(size(c.key_value_heads), 3), random_values(size(c.query_heads), 4)};
}

struct Expected {
  std::vector<double> out, log_sum_exp, dq, dk, dv;
};

/// Row by row in double, each gradient by its own formula from the whole row of probabilities.
Expected plain(const Case& c, const Tensors<float>& t) {
  const auto n = static_cast<std::size_t>(c.rows());
  const auto at = [&](const std::vector<float>& x, std::int64_t heads, std::int64_t row, std::int64_t head,
                      std::int64_t i) {
    return static_cast<double>(x[static_cast<std::size_t>((row * heads + head) * c.dim + i)]);
  };
  Expected e{std::vector<double>(t.q.size()), std::vector<double>(n * static_cast<std::size_t>(c.query_heads)),
             std::vector<double>(t.q.size()), std::vector<double>(t.k.size()), std::vector<double>(t.k.size())};
  const double scale = c.scale > 0 ? c.scale : 1 / std::sqrt(static_cast<double>(c.dim));
  for (std::size_t d = 0; d + 1 < c.starts.size(); ++d)
    for (std::int64_t h = 0; h < c.query_heads; ++h)
      for (std::int64_t i = c.starts[d]; i < c.starts[d + 1]; ++i) {
        const std::int64_t g = h / (c.query_heads / c.key_value_heads);
        const std::int64_t first = std::max(c.starts[d], c.window > 0 ? i - c.window + 1 : 0);
        std::vector<double> p, dp, bent;
        double sum = 0, along = 0;
        for (std::int64_t j = first; j <= i; ++j) {
          double score = 0, slope = 0;
          for (std::int64_t x = 0; x < c.dim; ++x) {
            score += at(t.q, c.query_heads, i, h, x) * at(t.k, c.key_value_heads, j, g, x) * scale;
            slope += at(t.dout, c.query_heads, i, h, x) * at(t.v, c.key_value_heads, j, g, x);
          }
          bent.push_back(c.cap > 0 ? std::tanh(score / c.cap) : 0);
          if (c.cap > 0) score = c.cap * bent.back();
          if (!c.slopes.empty())
            score += static_cast<double>(c.slopes[static_cast<std::size_t>(h)]) * static_cast<double>(j - c.starts[d]);
          p.push_back(std::exp(score));
          dp.push_back(slope);
          sum += p.back();
        }
        for (std::size_t j = 0; j < p.size(); ++j) along += (p[j] /= sum) * dp[j];
        e.log_sum_exp[static_cast<std::size_t>(h) * n + static_cast<std::size_t>(i)] = std::log(sum);
        for (std::int64_t j = first; j <= i; ++j) {
          const auto one = static_cast<std::size_t>(j - first);
          const double ds = p[one] * (dp[one] - along) * (1 - bent[one] * bent[one]) * scale;
          for (std::int64_t x = 0; x < c.dim; ++x) {
            const auto mine = static_cast<std::size_t>((i * c.query_heads + h) * c.dim + x);
            const auto theirs = static_cast<std::size_t>((j * c.key_value_heads + g) * c.dim + x);
            e.out[mine] += p[one] * at(t.v, c.key_value_heads, j, g, x);
            e.dq[mine] += ds * at(t.k, c.key_value_heads, j, g, x);
            e.dk[theirs] += ds * at(t.q, c.query_heads, i, h, x);
            e.dv[theirs] += p[one] * at(t.dout, c.query_heads, i, h, x);
          }
        }
      }
  return e;
}

template <class T>
struct Result {
  std::vector<T> out, dq, dk, dv;
  std::vector<float> log_sum_exp;
};

template <class T>
Result<T> both_ways(const Exec& on, const Case& c, const Tensors<T>& t) {
  Result<T> r{std::vector<T>(t.q.size()), std::vector<T>(t.q.size()), std::vector<T>(t.k.size()),
              std::vector<T>(t.k.size()), std::vector<float>(static_cast<std::size_t>(c.rows() * c.query_heads))};
  const auto in = [](const std::vector<T>& x) { return const_view_of(std::span<const T>(x)); };
  attention(on, in(t.q), in(t.k), in(t.v), c.shape(), view_of(std::span(r.out)), view_of(std::span(r.log_sum_exp)));
  attention_backward(on, in(t.dout), in(t.q), in(t.k), in(t.v), in(r.out), view_of(std::span(r.log_sum_exp)), c.shape(),
                     view_of(std::span(r.dq)), view_of(std::span(r.dk)), view_of(std::span(r.dv)));
  return r;
}

class AttentionShapes : public testing::TestWithParam<Case> {};

TEST_P(AttentionShapes, MatchThePlainFormBothWays) {
  const Tensors<float> t = tensors(GetParam());
  const Expected e = plain(GetParam(), t);

  const Result<float> r = both_ways(serial_cpu(), GetParam(), t);

  expect_close(r.out, e.out, 2e-6);
  expect_close(r.log_sum_exp, e.log_sum_exp, 4e-6);
  expect_close(r.dq, e.dq, 5e-6);
  expect_close(r.dk, e.dk, 2e-5);
  expect_close(r.dv, e.dv, 2e-5);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, AttentionShapes,
    testing::Values(Case{1, 1, 16, {0, 1}},                      // a single token
                    Case{6, 2, 8, {0, 5, 5, 6, 39}},             // narrower than a vector; an empty one
                    Case{2, 1, 80, {0, 33, 97}},                 // a width of 5 vectors
                    Case{3, 3, 64, {0, 8, 40, 72}},              // whole panels
                    Case{2, 1, 24, {0, 255, 256, 513, 829}},     // more than one block of keys
                    Case{6, 2, 8, {0, 7, 407}},                  // long: its query heads are worked on apart
                    Case{2, 2, 8, {0, 1, 1501}},                 // longer: so are slices of its rows
                    Case{2, 1, 8, {0, 3, 40, 600}, 1},           // windows: itself alone,
                    Case{4, 2, 24, {0, 5, 829}, 37},             // less than a block of keys,
                    Case{2, 1, 16, {0, 700, 1400}, 300},         // more than one,
                    Case{2, 1, 16, {0, 30, 100}, 70},            // as long as the longest document
                    Case{4, 2, 24, {0, 5, 529}, 300, 0.3, 0.7},  // a scale, and a cap
                    Case{6, 3, 16, {0, 30, 400}, 0, 0, 0, {0.01f, 0.02f, 0.04f, 0.001f, 0.002f, 0.05f}})  // slopes
);

TEST(Attention, KeepsItsBitsHoweverTheWorkIsShared) {
  const Case c{4, 2, 32, {0, 40, 41, 700}};
  const Tensors<float> t = tensors(c);

  const Result<float> alone = both_ways(serial_cpu(), c, t), shared = both_ways(fixture::in_pieces(1), c, t);

  EXPECT_EQ(alone.out, shared.out);
  EXPECT_EQ(alone.dq, shared.dq);
  EXPECT_EQ(alone.dk, shared.dk);
  EXPECT_EQ(alone.dv, shared.dv);
}

TEST(Attention, RoundsBf16OnlyOnTheWayInAndOut) {
  const Case c{2, 1, 64, {0, 70}};
  const Tensors<float> full = tensors(c);
  using fixture::rounded, fixture::widened;
  const Tensors<bf16> half{rounded(full.q), rounded(full.k), rounded(full.v), rounded(full.dout)};
  const Tensors<float> seen{widened(half.q), widened(half.k), widened(half.v), widened(half.dout)};

  const Result<bf16> r = both_ways(serial_cpu(), c, half);

  const Expected e = plain(c, seen);
  expect_close(widened(r.out), e.out, 1e-6, 0x1p-8);
  expect_close(widened(r.dv), e.dv, 4e-6, 0x1p-8);
  expect_close(widened(r.dq), e.dq, 4e-3, 0x1p-7);  // rowsum(dO * O) takes the rounded output
  expect_close(widened(r.dk), e.dk, 4e-3, 0x1p-7);
}

TEST(Attention, SurvivesScoresThatWouldOverflow) {
  const Case c{1, 1, 16, {0, 20}};
  Tensors<float> t = tensors(c);
  for (float& x : t.q) x *= 1e4f;

  const Result<float> r = both_ways(serial_cpu(), c, t);

  for (const float x : r.out) ASSERT_TRUE(std::isfinite(x) && std::abs(x) <= 1.0f);
  for (const float x : r.dk) ASSERT_TRUE(std::isfinite(x));
}

}  // namespace
}  // namespace pst::kernels
