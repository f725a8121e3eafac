// SPDX-License-Identifier: Apache-2.0
#include "kernels/paged_attention/paged_attention.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "kernels/attention/attention.hpp"
#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::expect_close;
using fixture::random_values;

struct Case {
  const char* name;
  std::int64_t query_heads, key_value_heads, dim, rows, window = 0;
  double cap = 0;
  std::vector<float> slopes = {}, sinks = {};
  PagedShape shape() const {
    return {query_heads, key_value_heads, dim, window, 1 / std::sqrt(static_cast<double>(dim)), cap, slopes, sinks};
  }
};
const std::vector<Case> kCases = {
    {.name = "grouped", .query_heads = 6, .key_value_heads = 2, .dim = 10, .rows = 37},
    {.name = "window", .query_heads = 4, .key_value_heads = 4, .dim = 16, .rows = 70, .window = 19},
    {.name = "cap", .query_heads = 3, .key_value_heads = 1, .dim = 7, .rows = 33, .cap = 1.5},
    {.name = "slopes", .query_heads = 2, .key_value_heads = 1, .dim = 8, .rows = 20, .slopes = {0.5f, 0.25f}},
    {.name = "sinks",
     .query_heads = 2,
     .key_value_heads = 2,
     .dim = 8,
     .rows = 35,
     .window = 8,
     .sinks = {0.3f, -2.0f}},
};

template <class T>
std::vector<T> as(const std::vector<float>& values) {
  std::vector<T> out;
  for (const float value : values) {
    if constexpr (std::is_same_v<T, float>)
      out.push_back(value);
    else
      out.push_back(to_bf16(value));
  }
  return out;
}

/// A sequence in pages of a pool that others use too: pages in no order, and garbage where nothing was written.
template <class T>
class Paged {
 public:
  Paged(const Case& of, std::vector<std::int32_t> pages)
      : case_(of),
        pages_(std::move(pages)),
        keys_(static_cast<std::size_t>(9 * of.shape().page_values()), as<T>({std::nanf("")})[0]),
        values_(keys_) {}

  /// The outputs of all rows, with the sequence cut into calls of so many rows.
  std::vector<T> run(const std::vector<T>& q, const std::vector<T>& k, const std::vector<T>& v, std::int64_t step) {
    std::vector<T> out;
    for (std::int64_t at = 0; at < case_.rows; at += step) {
      const std::int64_t count = std::min(step, case_.rows - at);
      const std::vector<PagedRows> rows{{.count = count, .position = at, .pages = pages_}};
      const auto part = [&](const std::vector<T>& x) {
        const std::size_t width = x.size() / static_cast<std::size_t>(case_.rows);
        return std::span(x).subspan(static_cast<std::size_t>(at) * width, static_cast<std::size_t>(count) * width);
      };
      std::vector<T> some(part(q).size());
      write_pages(serial_cpu(), const_view_of(part(k)), const_view_of(part(v)), case_.shape(), rows,
                  view_of(std::span(keys_)), view_of(std::span(values_)));
      paged_attention(serial_cpu(), const_view_of(part(q)), const_view_of(std::span<const T>(keys_)),
                      const_view_of(std::span<const T>(values_)), case_.shape(), rows, view_of(std::span(some)));
      out.insert(out.end(), some.begin(), some.end());
    }
    return out;
  }

 private:
  Case case_;
  std::vector<std::int32_t> pages_;
  std::vector<T> keys_, values_;
};

struct Rows {
  std::vector<float> q, k, v;
};
Rows rows_of(const Case& of, std::uint64_t seed) {
  const auto size = [&](std::int64_t heads) { return static_cast<std::size_t>(of.rows * heads * of.dim); };
  return {random_values(size(of.query_heads), seed), random_values(size(of.key_value_heads), seed + 1),
          random_values(size(of.key_value_heads), seed + 2)};
}

/// In double; a sink is a key whose value is nothing.
std::vector<double> plain(const Case& of, const Rows& x) {
  std::vector<double> out;
  const std::int64_t groups = of.query_heads / of.key_value_heads;
  for (std::int64_t row = 0; row < of.rows; ++row)
    for (std::int64_t head = 0; head < of.query_heads; ++head) {
      const auto h = static_cast<std::size_t>(head);
      double sum = of.sinks.empty() ? 0 : std::exp(static_cast<double>(of.sinks[h]));
      std::vector<double> mixed(static_cast<std::size_t>(of.dim));
      for (std::int64_t key = of.window > 0 ? std::max<std::int64_t>(0, row - of.window + 1) : 0; key <= row; ++key) {
        const auto q = static_cast<std::size_t>((row * of.query_heads + head) * of.dim);
        const auto kv = static_cast<std::size_t>((key * of.key_value_heads + head / groups) * of.dim);
        double score = 0;
        for (std::size_t d = 0; d < mixed.size(); ++d)
          score += static_cast<double>(x.q[q + d]) * static_cast<double>(x.k[kv + d]) /
                   std::sqrt(static_cast<double>(of.dim));
        if (of.cap > 0) score = of.cap * std::tanh(score / of.cap);
        if (!of.slopes.empty()) score += static_cast<double>(of.slopes[h]) * static_cast<double>(key);
        const double weight = std::exp(score);
        sum += weight;
        for (std::size_t d = 0; d < mixed.size(); ++d) mixed[d] += weight * static_cast<double>(x.v[kv + d]);
      }
      for (const double value : mixed) out.push_back(value / sum);
    }
  return out;
}

TEST(PagedAttention, IsAttentionOverTheWholeSequence) {
  for (const Case& of : kCases) {
    SCOPED_TRACE(of.name);
    const Rows x = rows_of(of, 1);
    expect_close(Paged<float>(of, {5, 2, 8, 0, 3}).run(x.q, x.k, x.v, of.rows), plain(of, x), 3e-6);
  }
}

TEST(PagedAttention, ARowsBitsDoNotDependOnHowTheSequenceWasCut) {
  for (const Case& of : kCases) {
    SCOPED_TRACE(of.name);
    const Rows x = rows_of(of, 1);
    const auto whole = Paged<float>(of, {5, 2, 8, 0, 3}).run(x.q, x.k, x.v, of.rows);
    for (const std::int64_t step : {1, 3, 16, 21})
      EXPECT_EQ(Paged<float>(of, {1, 7, 0, 4, 6}).run(x.q, x.k, x.v, step), whole) << step;
    const auto narrow = [&](std::int64_t step) {
      const auto bits = Paged<bf16>(of, {0, 1, 2, 3, 4}).run(as<bf16>(x.q), as<bf16>(x.k), as<bf16>(x.v), step);
      std::vector<std::uint16_t> out;
      for (const bf16 value : bits) out.push_back(value.bits);
      return out;
    };
    EXPECT_EQ(narrow(1), narrow(of.rows));
  }
}

TEST(PagedAttention, SequencesOfOneCallDoNotSeeOneAnother) {
  const Case& of = kCases[0];
  const Rows a = rows_of(of, 1), b = rows_of(of, 11);
  const auto alone_a = Paged<float>(of, {0, 1, 2}).run(a.q, a.k, a.v, of.rows);
  const auto alone_b = Paged<float>(of, {0, 1, 2}).run(b.q, b.k, b.v, of.rows);

  const std::vector<std::int32_t> of_a = {4, 0, 7}, of_b = {3, 8, 1};
  const std::vector<PagedRows> rows{{.first = of.rows, .count = of.rows, .pages = of_a},
                                    {.count = of.rows, .pages = of_b}};
  const auto joined = [](std::vector<float> first, const std::vector<float>& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
  };
  const auto q = joined(b.q, a.q), k = joined(b.k, a.k), v = joined(b.v, a.v);
  std::vector<float> keys(static_cast<std::size_t>(9 * of.shape().page_values())), values = keys, out(q.size());
  write_pages(serial_cpu(), const_view_of(std::span<const float>(k)), const_view_of(std::span<const float>(v)),
              of.shape(), rows, view_of(std::span(keys)), view_of(std::span(values)));
  paged_attention(serial_cpu(), const_view_of(std::span<const float>(q)), const_view_of(std::span<const float>(keys)),
                  const_view_of(std::span<const float>(values)), of.shape(), rows, view_of(std::span(out)));

  EXPECT_EQ(out, joined(alone_b, alone_a));
}

TEST(PagedAttention, PagesOutsideThePoolAreRefused) {
  const Case& of = kCases[0];
  const Rows x = rows_of(of, 1);
  EXPECT_THROW(Paged<float>(of, {5, 2, 9}).run(x.q, x.k, x.v, of.rows), Error);
  EXPECT_THROW(Paged<float>(of, {5, 2}).run(x.q, x.k, x.v, of.rows), Error);
}

}  // namespace
}  // namespace pst::kernels
