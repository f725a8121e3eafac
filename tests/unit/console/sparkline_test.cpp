// SPDX-License-Identifier: Apache-2.0
#include "console/sparkline.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace pst::console {
namespace {

TEST(Sparkline, FollowsTheValues) {
  EXPECT_EQ(sparkline({0, 1, 2, 3, 4, 5, 6, 7}, 8, Marks::blocks), "▁▂▃▄▅▆▇█");
  EXPECT_EQ(sparkline({3, 2, 1, 0}, 8, Marks::ascii), "#+-_");
  EXPECT_EQ(sparkline({5, 5}, 8, Marks::ascii), "__") << "a flat line is no division by zero";
  EXPECT_EQ(sparkline({}, 8, Marks::blocks), "");
  EXPECT_EQ(sparkline({1}, 0, Marks::blocks), "");
}

TEST(Sparkline, AveragesWhatDoesNotFit) {
  EXPECT_EQ(sparkline({0, 0, 10, 10}, 2, Marks::ascii), "_#");
  EXPECT_EQ(columns(sparkline(std::vector<double>(1000, 1.0), 60, Marks::blocks)), 60u);
}

TEST(ABar, IsAsWideAsAsked) {
  EXPECT_EQ(bar(0.5, 10, Marks::ascii), "[####....]");
  EXPECT_EQ(bar(7, 4, Marks::ascii), "[##]");
  EXPECT_EQ(bar(std::nan(""), 4, Marks::ascii), "[..]");
  EXPECT_EQ(columns(bar(0.3, 42, Marks::blocks)), 42u);
  EXPECT_EQ(bar(0.3, 2, Marks::ascii), "");
}

TEST(Cut, CountsCharactersAndNotBytes) {
  EXPECT_EQ(cut("▁▂▃▄", 2), "▁▂");
  EXPECT_EQ(cut("abc", 5), "abc");
  EXPECT_EQ(cut("abc", 0), "");
}

}  // namespace
}  // namespace pst::console
