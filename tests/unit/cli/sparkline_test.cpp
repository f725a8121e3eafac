// SPDX-License-Identifier: Apache-2.0
#include "cli/sparkline.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace pst::cli {
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

TEST(ACurve, KeepsItsShapeInBoundedMemory) {
  Curve curve(16);
  for (int step = 1; step <= 100'000; ++step) curve.add(step, step);

  EXPECT_LE(curve.values().size(), 16u);
  EXPECT_GE(curve.values().size(), 8u);
  EXPECT_TRUE(std::is_sorted(curve.values().begin(), curve.values().end()));
  EXPECT_DOUBLE_EQ(curve.first(), 1);
  EXPECT_DOUBLE_EQ(curve.last(), 100'000);
}

TEST(ACurve, LeavesOutWhatIsNoNumberOrWasThereAlready) {
  Curve curve;
  curve.add(1, 2.0);
  curve.add(1, 9.0);
  curve.add(2, std::nan(""));
  curve.add(3, INFINITY);
  EXPECT_THAT(curve.values(), testing::ElementsAre(2.0));
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
}  // namespace pst::cli
