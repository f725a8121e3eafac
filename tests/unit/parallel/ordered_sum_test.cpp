// SPDX-License-Identifier: Apache-2.0
#include "parallel/ordered_sum.hpp"

#include <ATen/ops/zeros.h>

#include <mutex>

#include "comm/local_communicator.hpp"
#include "kernels/reduce/tree.hpp"
#include "support/tensors.hpp"

namespace pst::parallel {
namespace {

constexpr std::int64_t kCount = 1003;  // no multiple of any number of ranks

/// Leaves of very different sizes, so that another order of additions shows in the bits.
at::Tensor leaf(std::int64_t index) {
  return fixture::random({kCount}, static_cast<std::uint64_t>(index + 1)) *
         std::pow(7.0, static_cast<double>(index % 5));
}

/// What every rank ends with when `ranks` ranks share `leaves` leaves. @param most  values in a buffer
at::Tensor summed(int ranks, std::int64_t leaves, std::int64_t most = comm::kExchangeValues) {
  at::Tensor result;
  std::mutex mutex;
  comm::run_ranks(ranks, [&](comm::Communicator& group) {
    GradientBuffers buffers([] { return at::zeros({kCount}, at::kFloat); });
    const Range mine = leaves_of_rank(leaves, group.rank(), group.size());
    const at::Tensor sum = sum_of_leaves(mine.begin, mine.size(), buffers,
                                         [](std::int64_t i, const at::Tensor& buffer) { buffer.add_(leaf(i)); });
    ExchangeBuffers buffers_of_group(group, most);
    ordered_all_reduce(sum, buffers_of_group);
    const std::lock_guard lock(mutex);
    if (result.defined()) {
      EXPECT_THAT(sum, fixture::bitwise_equal(result));
    }
    result = sum;
  });
  return result;
}

TEST(OrderedSum, SameBitsForEveryPowerOfTwo) {
  for (const std::int64_t leaves : {8, 16, 24, 40}) {
    SCOPED_TRACE(leaves);
    const at::Tensor alone = summed(1, leaves);
    for (const int ranks : {2, 4, 8}) EXPECT_THAT(summed(ranks, leaves), fixture::bitwise_equal(alone)) << ranks;
  }
}

TEST(OrderedSum, SameBitsInPieces) {
  for (const int ranks : {2, 3, 5})
    for (const std::int64_t most : {16, 100, 1000})
      EXPECT_THAT(summed(ranks, 8, most), fixture::bitwise_equal(summed(ranks, 8))) << ranks << " ranks, " << most;
}

TEST(OrderedSum, OtherCountsRepeatThemselvesAndStayClose) {
  EXPECT_THAT(summed(3, 8), fixture::bitwise_equal(summed(3, 8)));
  EXPECT_THAT(summed(3, 8), fixture::close_to(summed(1, 8), 1));  // values go up to 2401 * 2
}

TEST(OrderedSum, TheOrderMattersForTheseValues) {  // or the tests above could not fail
  at::Tensor in_turn = leaf(0);
  for (std::int64_t i = 1; i < 16; ++i) in_turn = in_turn + leaf(i);
  EXPECT_FALSE(at::equal(in_turn, summed(1, 16)));
}

TEST(OrderedSum, ALeafsRankIsTheOneWhoseLeavesItIsAmong) {
  for (std::int64_t leaves = 1; leaves <= 24; ++leaves)
    for (int ranks = 1; ranks <= leaves; ++ranks)
      for (int rank = 0; rank < ranks; ++rank) {
        const Range mine = leaves_of_rank(leaves, rank, ranks);
        for (std::int64_t leaf = mine.begin; leaf < mine.end; ++leaf)
          EXPECT_EQ(kernels::rank_of_leaf(leaf, leaves, ranks), rank) << leaf << " of " << leaves;
      }
}

TEST(OrderedSum, FewerLeavesThanRanksIsRefused) { EXPECT_THROW(leaves_of_rank(2, 0, 4), Error); }

TEST(OrderedSum, KeepsFewBuffers) {
  int made = 0;
  GradientBuffers buffers([&] {
    ++made;
    return at::zeros({4}, at::kFloat);
  });
  sum_of_leaves(0, 64, buffers, [](std::int64_t, const at::Tensor& buffer) { buffer.add_(1); });
  EXPECT_EQ(made, 7);
}

}  // namespace
}  // namespace pst::parallel
