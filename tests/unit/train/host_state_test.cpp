// SPDX-License-Identifier: Apache-2.0
#include "train/host_state.hpp"

#include <gmock/gmock.h>

#include "support/odd_parameters.hpp"

namespace pst::train {
namespace {

std::vector<std::string> names_of(const HostState& state) {
  std::vector<std::string> names;
  for (const auto& tensor : state.tensors()) names.push_back(tensor.name);
  return names;
}

TEST(HostState, NamesArraysAsCheckpointsDo) {
  nn::ParameterSet parameters;
  parameters.add("a", {4, 3});
  parameters.add("b", {2});
  parameters.allocate(at::kFloat);
  const parallel::FlatShares whole(parameters, 1);
  const optim::Optimizer optimizer({}, parameters, whole, 0);

  const HostState state(parameters, optimizer, whole, 0);

  EXPECT_THAT(names_of(state),
              testing::ElementsAre("adapter/a", "adapter/b", "optimizer/exp_avg/a", "optimizer/exp_avg/b",
                                   "optimizer/exp_avg_sq/a", "optimizer/exp_avg_sq/b"));
  EXPECT_TRUE(state.division().empty());
}

TEST(HostState, EachRankHasTheRowsThatItUpdates) {
  nn::ParameterSet parameters;
  fixture::odd_parameters(parameters);
  const parallel::FlatShares shares(parameters, 3);
  for (int rank = 0; rank < 3; ++rank) {
    SCOPED_TRACE(rank);
    const optim::Optimizer optimizer({}, parameters, shares, rank);

    const HostState state(parameters, optimizer, shares, rank);

    const std::size_t count = parameters.all().size();
    ASSERT_EQ(state.tensors().size(), 3 * count);
    ASSERT_EQ(state.division().size(), 3 * count);
    for (std::size_t i = 0; i < 3 * count; ++i) {
      const auto& parameter = parameters.all()[i % count];
      const parallel::Range rows = shares.rows_of(parameter, rank);
      const auto& stored = state.division()[i][static_cast<std::size_t>(rank)];
      EXPECT_EQ(stored.begin, rows.begin);
      EXPECT_EQ(stored.end, rows.end);
      if (i < count) continue;  // the masters of all are here
      EXPECT_EQ(state.tensors()[i].first_row, rows.begin);
      EXPECT_EQ(static_cast<std::int64_t>(state.tensors()[i].values.count),
                rows.size() * checkpoint::row_values(parameter.shape));
    }
  }
}

}  // namespace
}  // namespace pst::train
