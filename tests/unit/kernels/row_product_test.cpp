// SPDX-License-Identifier: Apache-2.0
#include "kernels/row_product/row_product.hpp"

#include <cstring>

#include "support/values.hpp"

namespace pst::kernels {
namespace {

using fixture::expect_close;
using fixture::random_values;

std::vector<bf16> narrow(const std::vector<float>& values) {
  std::vector<bf16> out;
  for (const float value : values) out.push_back(to_bf16(value));
  return out;
}
float wide(float value) { return value; }
float wide(bf16 value) { return to_float(value); }

template <class T>
std::vector<T> product(const std::vector<T>& x, const std::vector<T>& w, const std::vector<T>& bias, std::int64_t width,
                       std::int64_t rows) {
  std::vector<T> out(static_cast<std::size_t>(rows) * w.size() / static_cast<std::size_t>(width));
  row_product(serial_cpu(), const_view_of(std::span(x).first(static_cast<std::size_t>(rows * width))),
              const_view_of(std::span(w)), bias.empty() ? ConstView() : const_view_of(std::span(bias)), width,
              view_of(std::span(out)));
  return out;
}

template <class T>
std::vector<double> plain(const std::vector<T>& x, const std::vector<T>& w, const std::vector<T>& bias,
                          std::size_t width) {
  std::vector<double> out;
  for (std::size_t row = 0; row < x.size() / width; ++row)
    for (std::size_t o = 0; o < w.size() / width; ++o) {
      double sum = bias.empty() ? 0 : static_cast<double>(wide(bias[o]));
      for (std::size_t i = 0; i < width; ++i)
        sum += static_cast<double>(wide(x[row * width + i])) * static_cast<double>(wide(w[o * width + i]));
      out.push_back(sum);
    }
  return out;
}

struct Size {
  std::int64_t width, outputs;
};
// Less than the lanes, a whole number of them, a remainder; outputs that fill no tile, one, and several blocks.
const std::vector<Size> kSizes = {{5, 3}, {64, 48}, {83, 101}, {576, 7}};

TEST(RowProduct, IsTheSumOfProducts) {
  for (const auto& [width, outputs] : kSizes) {
    SCOPED_TRACE(width);
    const auto x = random_values(static_cast<std::size_t>(7 * width), 1);
    const auto w = random_values(static_cast<std::size_t>(outputs * width), 2);
    const auto bias = random_values(static_cast<std::size_t>(outputs), 3);
    expect_close(product(x, w, bias, width, 7), plain(x, w, bias, static_cast<std::size_t>(width)), 3e-6);
    expect_close(product(x, w, {}, width, 7), plain(x, w, {}, static_cast<std::size_t>(width)), 3e-6);
  }
}

TEST(RowProduct, RoundsBf16Once) {
  const auto x = narrow(random_values(3 * 83, 1)), w = narrow(random_values(11 * 83, 2));
  const auto exact = plain(x, w, {}, 83);
  const auto got = product(x, w, {}, 83, 3);
  for (std::size_t i = 0; i < got.size(); ++i)  // half of the last of eight bits, beside what sums in f32 differ by
    EXPECT_NEAR(static_cast<double>(wide(got[i])), exact[i], std::abs(exact[i]) * 0x1p-8 + 1e-5) << i;
}

template <class T>
void expect_rows_alone(const std::vector<T>& x, const std::vector<T>& w, std::int64_t width, std::int64_t most) {
  const std::vector<T> all = product(x, w, {}, width, most);
  const std::size_t outputs = all.size() / static_cast<std::size_t>(most);
  for (std::int64_t rows = 1; rows <= most; ++rows) {
    const std::vector<T> some = product(x, w, {}, width, rows);
    EXPECT_EQ(std::memcmp(some.data(), all.data(), some.size() * sizeof(T)), 0) << rows << " rows of " << width;
  }
  for (std::int64_t row = 0; row < most; ++row) {  // elsewhere, and with nobody
    const auto first = x.begin() + row * width;
    const std::vector<T> alone = product(std::vector<T>(first, first + width), w, {}, width, 1);
    EXPECT_EQ(std::memcmp(alone.data(), all.data() + static_cast<std::size_t>(row) * outputs, outputs * sizeof(T)), 0)
        << row;
  }
}

TEST(RowProduct, ARowsBitsDependOnThatRowAlone) {
  for (const auto& [width, outputs] : kSizes) {
    const auto x = random_values(static_cast<std::size_t>(19 * width), 1);
    const auto w = random_values(static_cast<std::size_t>(outputs * width), 2);
    expect_rows_alone(x, w, width, 19);
    expect_rows_alone(narrow(x), narrow(w), width, 19);
  }
}

TEST(RowProduct, SharesOfOutputsGiveTheSameBits) {
  const auto x = random_values(5 * 83, 1), w = random_values(301 * 83, 2);
  const std::vector<float> whole = product(x, w, {}, 83, 5);
  Exec shared;
  shared.parallel_for = [](std::int64_t count, std::int64_t, const auto& body) {
    for (std::int64_t i = count; i > 0; --i) body(i - 1, i);
  };
  std::vector<float> parts(whole.size());
  row_product(shared, const_view_of(std::span<const float>(x)), const_view_of(std::span<const float>(w)), {}, 83,
              view_of(std::span(parts)));
  EXPECT_EQ(parts, whole);
}

}  // namespace
}  // namespace pst::kernels
