// SPDX-License-Identifier: Apache-2.0
#include "runs/curve.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace pst::runs {
namespace {

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

}  // namespace
}  // namespace pst::runs
