// SPDX-License-Identifier: Apache-2.0
#include "plan/table.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"

namespace {

using pst::Error;
using pst::plan::Table;

Table power_law() {
  std::vector<double> seconds;
  for (const double n : {16.0, 256.0, 1024.0})
    for (const double width : {64.0, 512.0}) seconds.push_back(1e-9 * n * std::pow(width, 2));
  return Table("t", {{"n", {16, 256, 1024}}, {"width", {64, 512}}}, seconds);
}

TEST(Table, ReturnsItsPoints) {
  const Table table = power_law();

  EXPECT_DOUBLE_EQ(table.at({256, 512}), table.seconds()[3]);
  EXPECT_DOUBLE_EQ(table.at({1024, 64}), table.seconds()[4]);
}

TEST(Table, IsExactForPowerLawsBetweenAndBeyondItsPoints) {
  const Table table = power_law();

  for (const double n : {2.0, 16.0, 100.0, 700.0, 40000.0})
    for (const double width : {8.0, 64.0, 200.0, 4096.0}) {
      SCOPED_TRACE(n);
      EXPECT_NEAR(table.at({n, width}) / (1e-9 * n * width * width), 1, 1e-9);
    }
}

TEST(Table, TakesOnePointForProportion) {
  const Table table("t", {{"values", {1000}}}, {0.5});

  EXPECT_NEAR(table.at({2000}), 1.0, 1e-12);
  EXPECT_NEAR(table.at({100}), 0.05, 1e-12);
}

TEST(Table, RefusesWhatIsNoTable) {
  EXPECT_THROW(Table("t", {}, {1.0}), Error);
  EXPECT_THROW(Table("t", {{"n", {2, 1}}}, {1, 1}), Error);
  EXPECT_THROW(Table("t", {{"n", {1, 1}}}, {1, 1}), Error);
  EXPECT_THROW(Table("t", {{"n", {1, 2}}}, {1}), Error);
  EXPECT_THROW(Table("t", {{"n", {1, 2}}}, {1, 0}), Error);
  EXPECT_THROW(Table("t", {{"n", {1, 2}}}, {1, NAN}), Error);
  EXPECT_THROW(Table("t", {{"n", {-1, 2}}}, {1, 1}), Error);
}

}  // namespace
