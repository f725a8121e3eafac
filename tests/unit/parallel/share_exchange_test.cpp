// SPDX-License-Identifier: Apache-2.0
#include "parallel/share_exchange.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>

#include "comm/local_communicator.hpp"
#include "kernels/reduce/reduce.hpp"
#include "ops/torch_exec.hpp"
#include "parallel/ordered_sum.hpp"
#include "support/odd_parameters.hpp"
#include "support/tensors.hpp"

namespace pst::parallel {
namespace {

at::Tensor window(const at::Tensor& flat, Range of) { return flat.narrow(0, of.begin, of.size()); }

/// Values that a buffer has: pieces that divide no share, and one piece for all.
class InPieces : public testing::TestWithParam<std::int64_t> {};
INSTANTIATE_TEST_SUITE_P(Values, InPieces, testing::Values(700, 4001, 30000, comm::kExchangeValues));

TEST_P(InPieces, EveryRankGetsWhatTheOthersHave) {
  for (const int ranks : {1, 2, 3, 5})
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
      comm::run_ranks(ranks, [&](comm::Communicator& group) {
        nn::ParameterSet parameters;
        fixture::odd_parameters(parameters);
        const FlatShares shares(parameters, ranks);
        ExchangeBuffers buffers(group, GetParam());
        const at::Tensor expected = at::arange(parameters.size(), at::kFloat).to(dtype);
        for (const float before : {-1.0f, -2.0f}) {  // twice, through the same buffers
          const at::Tensor flat = at::full({parameters.size()}, before, dtype);
          const Range mine = shares.of(group.rank());
          window(flat, mine).copy_(window(expected, mine));
          gather_shares(flat, shares, buffers);
          EXPECT_THAT(flat, fixture::bitwise_equal(expected));
        }
      });
}

/// A rank's gradient: others' are far larger or smaller, so that another order of additions shows in the bits.
at::Tensor gradient_of(int rank, std::int64_t size) {
  return fixture::random({size}, static_cast<std::uint64_t>(rank + 1)) * std::pow(7.0, rank % 5);
}

TEST_P(InPieces, EachRankSumsItsShareAndAllKnowTheNorm) {
  for (const int ranks : {1, 2, 3, 5, 11})  // of eleven, some end in the block in which they begin
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      nn::ParameterSet parameters;
      fixture::odd_parameters(parameters);
      const FlatShares shares(parameters, ranks);
      ExchangeBuffers buffers(group, GetParam());
      const at::Tensor all = gradient_of(group.rank(), parameters.size()), own = all.clone();
      ordered_all_reduce(all, buffers);

      const double squares = sum_into_shares(own, shares, buffers, group);

      const Range mine = shares.of(group.rank());
      EXPECT_THAT(window(own, mine), fixture::bitwise_equal(window(all, mine))) << ranks;
      EXPECT_EQ(squares, kernels::sum_of_squares(ops::exec_of(all), ops::view_of(all))) << ranks;
    });
}

TEST(ExchangeBuffers, StaySmall) {
  comm::run_ranks(3, [](comm::Communicator& group) {
    const ExchangeBuffers buffers(group, 100);
    EXPECT_EQ(buffers.piece_of(7), 7);
    EXPECT_EQ(buffers.piece_of(1000), 33);
    EXPECT_EQ(ExchangeBuffers(group, 1).piece_of(1000), 1);
  });
}

}  // namespace
}  // namespace pst::parallel
