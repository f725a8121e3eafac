// SPDX-License-Identifier: Apache-2.0
#include "weights/finite.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace pst::weights {
namespace {

template <class T>
std::optional<std::int64_t> first_in(const char* dtype, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return first_not_finite({"x", dtype, {static_cast<std::int64_t>(values.size())}, bytes});
}

TEST(FirstNotFinite, AgreesWithTheLibraryOnEveryValueOf16Bits) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const auto wide = bits << 16;  // a BF16 is the upper half of an F32
    float value = 0;
    std::memcpy(&value, &wide, sizeof value);
    EXPECT_EQ(first_in<std::uint16_t>("BF16", {half}).has_value(), !std::isfinite(value)) << bits;
    EXPECT_EQ(first_in<std::uint32_t>("F32", {wide}).has_value(), !std::isfinite(value)) << bits;
    EXPECT_EQ(first_in<std::uint16_t>("F16", {half}).has_value(), (half >> 10 & 31) == 31) << bits;
  }
}

TEST(FirstNotFinite, FindsTheFirstWhereverItIs) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const std::size_t size : {1u, 1023u, 1024u, 1025u, 5000u})
    for (const std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
      std::vector<float> values(size, -std::numeric_limits<float>::max());
      EXPECT_EQ(first_in("F32", values), std::nullopt);
      values[at] = kNan;
      values[size - 1] = std::numeric_limits<float>::infinity();
      EXPECT_EQ(first_in("F32", values), static_cast<std::int64_t>(at));
    }
}

TEST(FirstNotFinite, WideValuesMustFitF32) {
  EXPECT_EQ(first_in<double>("F64", {1, -3e38, 1e300}), 2);
  EXPECT_EQ(first_in<double>("F64", {std::numeric_limits<double>::quiet_NaN()}), 0);
}

TEST(FirstNotFinite, EightBitFloatsAndWholeNumbers) {
  EXPECT_EQ(first_in<std::uint8_t>("F8_E4M3", {0x7e, 0xfe, 0x7f}), 2);
  EXPECT_EQ(first_in<std::uint8_t>("F8_E4M3", {0xff}), 0);
  EXPECT_EQ(first_in<std::uint8_t>("F8_E5M2", {0x7b, 0x7c}), 1);
  EXPECT_EQ(first_in<std::uint8_t>("U8", {0xff}), std::nullopt);
  EXPECT_EQ(first_in<float>("F32", {}), std::nullopt);
}

}  // namespace
}  // namespace pst::weights
