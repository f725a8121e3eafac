// SPDX-License-Identifier: Apache-2.0
#include "core/view.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

namespace pst {
namespace {

TEST(View, Bf16RoundsToNearestEven) {
  EXPECT_EQ(to_bf16(1.0f).bits, 0x3f80);
  EXPECT_EQ(to_bf16(__builtin_bit_cast(float, 0x3f808000u)).bits, 0x3f80);  // a tie goes to the even neighbour
  EXPECT_EQ(to_bf16(__builtin_bit_cast(float, 0x3f818000u)).bits, 0x3f82);
  EXPECT_TRUE(std::isnan(to_float(to_bf16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isinf(to_float(to_bf16(std::numeric_limits<float>::max()))));
}

TEST(View, HalfCoversSubnormalsAndInfinity) {
  EXPECT_EQ(half_to_float(0x3c00), 1.0f);
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24f);
  EXPECT_EQ(half_to_float(0xc000), -2.0f);
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
}

TEST(View, IsReadOnlyAsItsOwnType) {
  std::vector<float> values(4);
  const View view = view_of(std::span(values));
  EXPECT_EQ(view.bytes(), 16u);
  EXPECT_THROW(view.as<std::int64_t>(), Error);
  EXPECT_THROW(view.part(2, 3), Error);
}

}  // namespace
}  // namespace pst
