// SPDX-License-Identifier: Apache-2.0
#include "parallel/flat_shares.hpp"

#include <gtest/gtest.h>

#include "core/strings.hpp"
#include "support/odd_parameters.hpp"

namespace pst::parallel {
namespace {

class FlatSharesOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, FlatSharesOf, testing::Values(1, 2, 3, 4, 7, 64, 1000));

TEST_P(FlatSharesOf, CoverEverythingOnceInWholeLines) {
  nn::ParameterSet parameters;
  fixture::odd_parameters(parameters);
  const FlatShares shares(parameters, GetParam());

  std::int64_t next = 0;
  for (int rank = 0; rank < GetParam(); ++rank) {
    EXPECT_EQ(shares.of(rank).begin, next);
    EXPECT_EQ(next % nn::ParameterSet::kBorder, 0);
    next = shares.of(rank).end;
  }
  EXPECT_EQ(next, parameters.size());
}

TEST_P(FlatSharesOf, HaveWholeRows) {
  nn::ParameterSet parameters;
  fixture::odd_parameters(parameters);
  const FlatShares shares(parameters, GetParam());

  for (const nn::Parameter& parameter : parameters.all()) {
    const std::int64_t rows = parameter.shape.empty() ? 1 : parameter.shape[0];
    const std::int64_t row = rows == 0 ? 0 : parameter.count() / rows, at = parameter.offset;
    std::int64_t next = 0;
    for (int rank = 0; rank < GetParam(); ++rank) {
      const Range mine = shares.rows_of(parameter, rank);
      EXPECT_EQ(mine.begin, next) << parameter.name;
      next = mine.end;
      if (mine.size() == 0) continue;
      EXPECT_GE(at + mine.begin * row, shares.of(rank).begin) << parameter.name;
      EXPECT_LE(at + mine.end * row, shares.of(rank).end) << parameter.name;
    }
    EXPECT_EQ(next, rows) << parameter.name;
  }
}

TEST(FlatShares, AreNearlyEqual) {
  nn::ParameterSet parameters;
  for (int layer = 0; layer < 30; ++layer) {
    parameters.add(cat("a", layer), {16, 576});
    parameters.add(cat("b", layer), {1536, 16});
  }
  parameters.allocate(at::kFloat);

  EXPECT_LE(FlatShares(parameters, 8).largest(), parameters.size() / 8 + 576);
}

}  // namespace
}  // namespace pst::parallel
