// SPDX-License-Identifier: Apache-2.0
#include "parallel/flat_shares.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>

#include "comm/local_communicator.hpp"
#include "core/strings.hpp"
#include "parallel/share_gather.hpp"
#include "support/tensors.hpp"

namespace pst::parallel {
namespace {

/// Adapters as they are, and shapes that are awkward to cut: odd rows, a single row, none at all, no dimension.
void declare(nn::ParameterSet& parameters) {
  parameters.add("a", {16, 576});
  parameters.add("b", {1536, 16});
  parameters.add("odd", {7, 33});
  parameters.add("row", {1, 5000});
  parameters.add("none", {0, 8});
  parameters.add("scalar", {});
  parameters.add("narrow", {999, 3});
  parameters.allocate(at::kFloat);
}

class FlatSharesOf : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, FlatSharesOf, testing::Values(1, 2, 3, 4, 7, 64, 1000));

TEST_P(FlatSharesOf, CoverEverythingOnceInWholeLines) {
  nn::ParameterSet parameters;
  declare(parameters);
  const FlatShares shares(parameters, GetParam());

  std::int64_t next = 0;
  for (int rank = 0; rank < GetParam(); ++rank) {
    EXPECT_EQ(shares.of(rank).begin, next);
    EXPECT_EQ(next % nn::ParameterSet::kBorder, 0);
    next = shares.of(rank).end;
  }
  EXPECT_EQ(next, parameters.flat().numel());
}

TEST_P(FlatSharesOf, HaveWholeRows) {
  nn::ParameterSet parameters;
  declare(parameters);
  const FlatShares shares(parameters, GetParam());

  for (const nn::Parameter& parameter : parameters.all()) {
    const std::int64_t rows = parameter.shape.empty() ? 1 : parameter.shape[0];
    const std::int64_t row = rows == 0 ? 0 : parameter.value.numel() / rows, at = parameter.value.storage_offset();
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

  EXPECT_LE(FlatShares(parameters, 8).largest(), parameters.flat().numel() / 8 + 576);
}

TEST(GatherShares, EveryRankGetsWhatTheOthersHave) {
  for (const int ranks : {1, 2, 3, 5})
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      nn::ParameterSet parameters;
      declare(parameters);
      const at::Tensor& flat = parameters.flat();
      const FlatShares shares(parameters, ranks);
      ExchangeBuffers buffers(group);
      const at::Tensor expected = at::arange(flat.numel(), at::kFloat);
      for (const float before : {-1.0f, -2.0f}) {  // twice, through the same buffers
        flat.fill_(before);
        const Range mine = shares.of(group.rank());
        flat.narrow(0, mine.begin, mine.size()).copy_(expected.narrow(0, mine.begin, mine.size()));
        gather_shares(flat, shares, buffers);
        EXPECT_THAT(flat, fixture::bitwise_equal(expected));
      }
    });
}

}  // namespace
}  // namespace pst::parallel
