// SPDX-License-Identifier: Apache-2.0
#include "weights/write_values.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "weights/place.hpp"

namespace pst::weights {
namespace {

TEST(FloatToHalf, EveryHalfIsItself) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const float value = half_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(half_to_float(float_to_half(value))));
    else
      EXPECT_EQ(float_to_half(value), bits);
  }
}

TEST(FloatToHalf, BetweenTwoHalvesTheNearestIsTakenAndOfEquallyNearTheEven) {
  for (unsigned bits = 0; bits < 0x7bff; ++bits) {
    const float low = half_to_float(static_cast<std::uint16_t>(bits)),
                high = half_to_float(static_cast<std::uint16_t>(bits + 1)), middle = low + (high - low) / 2;
    ASSERT_EQ(float_to_half(middle), bits % 2 == 0 ? bits : bits + 1) << bits;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0F)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, high)), bits + 1);
    ASSERT_EQ(float_to_half(-middle), 0x8000u + (bits % 2 == 0 ? bits : bits + 1));
  }
}

TEST(FloatToHalf, WhatIsTooLargeIsInfinite) {
  EXPECT_EQ(float_to_half(65519), 0x7bff);
  EXPECT_EQ(float_to_half(65520), 0x7c00);
  EXPECT_EQ(float_to_half(-std::numeric_limits<float>::infinity()), 0xfc00);
}

TEST(SetValue, IsReadBackRoundedToTheDtype) {
  for (const Dtype dtype : {Dtype::f64, Dtype::f32, Dtype::f16, Dtype::bf16}) {
    std::array<std::byte, 24> bytes{};
    set_value(bytes.data(), dtype, 1, 0.3F);
    set_value(bytes.data(), dtype, 2, -2.0F);
    EXPECT_NEAR(value_at(bytes.data(), dtype, 1), 0.3, 0.3 / 256);  // half a step of bf16
    EXPECT_EQ(value_at(bytes.data(), dtype, 2), -2.0F);
    EXPECT_EQ(value_at(bytes.data(), dtype, 0), 0.0F);
  }
}

}  // namespace
}  // namespace pst::weights
