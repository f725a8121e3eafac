// SPDX-License-Identifier: Apache-2.0
#include "kernels/fp8/fp8.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "support/values.hpp"

namespace pst::kernels {
namespace {

/// What a code means, by the definition of the format.
double meaning_of(int code) {
  const int exponent = (code >> 3) & 15, mantissa = code & 7;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

/// The code of the nearest value, the even one of two as near.
int nearest(double value) {
  int best = 0;
  for (int code = 1; code < 0x7f; ++code) {
    const double distance = std::abs(std::abs(value) - meaning_of(code)),
                 before = std::abs(std::abs(value) - meaning_of(best));
    if (distance < before || (distance == before && code % 2 == 0)) best = code;
  }
  return best | (std::signbit(value) ? 0x80 : 0);
}

struct Quantised {
  std::vector<std::uint8_t> codes;
  std::vector<float> scales;
};
View bytes(std::vector<std::uint8_t>& codes) {
  return {codes.data(), static_cast<std::int64_t>(codes.size()), Dtype::u8, {}};
}

template <class T>
Quantised quantised(std::vector<T> values, std::int64_t width, const Exec& on = serial_cpu()) {
  Quantised made{std::vector<std::uint8_t>(values.size()),
                 std::vector<float>(values.size() / static_cast<std::size_t>(width))};
  fp8_quantise(on, view_of(std::span(values)), {}, width, bytes(made.codes), view_of(std::span(made.scales)));
  return made;
}

TEST(Fp8, CodesAreTheNearestValues) {
  std::vector<float> values;
  for (int code = 0; code < 0x7f; ++code) {
    const auto value = static_cast<float>(meaning_of(code)),
               next = static_cast<float>(meaning_of(std::min(code + 1, 0x7e)));
    const float middle = (value + next) / 2;  // a tie, exact in f32
    for (const float x : {value, middle, std::nextafter(middle, 0.0f), std::nextafter(middle, 1000.0f)}) {
      values.push_back(x);
      values.push_back(-x);
    }
  }
  for (const float x : fixture::random_values(3000, 3)) values.push_back(x * 20);
  values.push_back(1e30f);  // beyond 448 as 448
  const std::vector<float> one = {1.0f};
  std::vector<std::uint8_t> codes(values.size());

  fp8_encode(serial_cpu(), const_view_of(std::span(std::as_const(values))), 0, std::ssize(values),
             const_view_of(std::span(one)), bytes(codes));

  for (std::size_t i = 0; i < values.size(); ++i)
    ASSERT_EQ(int{codes[i]}, nearest(static_cast<double>(values[i]))) << values[i];
}

TEST(Fp8, EveryCodeMeansItsValueTimesTheScale) {
  std::vector<std::uint8_t> codes(256);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::uint8_t>(i);
  const std::vector<float> scales = {0.37f};
  std::vector<float> got(codes.size() - 3);
  std::vector<bf16> got_bf16(got.size());
  const auto fill = [&](View out) {
    fp8_dequantise(fixture::in_pieces(19), bytes(codes), const_view_of(std::span(scales)), 256, 3, out);
  };

  fill(view_of(std::span(got)));
  fill(view_of(std::span(got_bf16)));

  for (int code = 3; code < 256; ++code) {
    const float wanted = static_cast<float>(meaning_of(code)) * scales[0];
    EXPECT_EQ(got[static_cast<std::size_t>(code - 3)], wanted) << code;
    EXPECT_EQ(to_float(got_bf16[static_cast<std::size_t>(code - 3)]), to_float(to_bf16(wanted))) << code;
  }
}

TEST(Fp8, EachRowHasTheScaleOfItsLargest) {
  auto values = fixture::random_values(3 * 40, 5);
  std::fill(values.begin() + 40, values.begin() + 80, 0.0f);
  values[17] = -7.0f;

  const Quantised made = quantised(values, 40);

  EXPECT_EQ(made.scales[0], 7.0f / 448);
  EXPECT_EQ(made.codes[17], 0xfe) << "-448";
  EXPECT_EQ(made.scales[1], 0.0f);
  EXPECT_THAT(std::vector<std::uint8_t>(made.codes.begin() + 40, made.codes.begin() + 80), testing::Each(0));
  std::vector<float> back(values.size());
  fp8_dequantise(serial_cpu(), ConstView(made.codes.data(), 120, Dtype::u8), const_view_of(std::span(made.scales)), 40,
                 0, view_of(std::span(back)));
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(back[i], values[i], std::max(std::abs(values[i]) / 16, made.scales[i / 40] / 1024)) << i;
}

TEST(Fp8, CodesAreTheSameWhateverThePieces) {
  const auto values = fixture::random_values(37 * 29, 6);
  const Quantised whole = quantised(values, 37);
  EXPECT_EQ(quantised(values, 37, fixture::in_pieces(5)).codes, whole.codes);
  EXPECT_EQ(quantised(fixture::rounded(fixture::random_values(37 * 29, 6)), 37).codes,
            quantised(fixture::rounded(fixture::random_values(37 * 29, 6)), 37, fixture::in_pieces(5)).codes);

  std::vector<std::uint8_t> piece(90);
  fp8_encode(serial_cpu(), const_view_of(std::span(values).subspan(31, 90)), 31, 37,
             const_view_of(std::span(whole.scales)), bytes(piece));
  EXPECT_THAT(piece, testing::ElementsAreArray(whole.codes.begin() + 31, whole.codes.begin() + 121));
}

TEST(Fp8, WhatIsNotFiniteMakesItsRowsScaleSo) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    auto values = fixture::random_values(64, 7);
    values[40] = bad;

    const Quantised made = quantised(values, 32);

    EXPECT_TRUE(std::isfinite(made.scales[0]));
    EXPECT_FALSE(std::isfinite(made.scales[1]));
    for (const auto code : made.codes) EXPECT_NE(code & 0x7f, 0x7f) << "a NaN's code";
  }
}

}  // namespace
}  // namespace pst::kernels
