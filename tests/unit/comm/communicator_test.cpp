// SPDX-License-Identifier: Apache-2.0
#include "comm/communicator.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <vector>

#include "comm/local_communicator.hpp"
#include "core/strings.hpp"

namespace pst::comm {
namespace {

TEST(LocalCommunicator, AllToAllExchangesShares) {
  run_ranks(3, [](Communicator& group) {
    std::vector<std::int32_t> out(6), in(6);
    for (int i = 0; i < 6; ++i) out[static_cast<std::size_t>(i)] = 100 * group.rank() + i;

    group.all_to_all(view_of(std::span(out)), view_of(std::span(in)));

    for (int from = 0; from < 3; ++from) {
      EXPECT_EQ(in[static_cast<std::size_t>(2 * from)], 100 * from + 2 * group.rank());
      EXPECT_EQ(in[static_cast<std::size_t>(2 * from + 1)], 100 * from + 2 * group.rank() + 1);
    }
  });
}

TEST(LocalCommunicator, GathersThatWereBegunArriveInTheirOrder) {
  run_ranks(3, [](Communicator& group) {
    const std::int32_t first = 10 + group.rank(), second = 20 + group.rank();
    std::vector<std::int32_t> firsts(3), seconds(3);
    Pending one = group.all_gather_begin(const_view_of(std::span(&first, 1)), view_of(std::span(firsts)));
    Pending two = group.all_gather_begin(const_view_of(std::span(&second, 1)), view_of(std::span(seconds)));
    group.barrier();  // other operations go on meanwhile

    two.wait();
    one.wait();
    one.wait();  // does nothing

    EXPECT_THAT(firsts, testing::ElementsAre(10, 11, 12));
    EXPECT_THAT(seconds, testing::ElementsAre(20, 21, 22));
  });
}

TEST(LocalCommunicator, SplitsByColor) {
  run_ranks(5, [](Communicator& group) {
    const auto part = group.split("parity", group.rank() % 2);

    EXPECT_EQ(part->size(), group.rank() % 2 == 0 ? 3 : 2);
    EXPECT_EQ(part->rank(), group.rank() / 2);
    EXPECT_EQ(broadcast_text(*part, part->is_root() ? cat("of ", group.rank()) : ""), cat("of ", group.rank() % 2));
  });
}

TEST(LocalCommunicator, NobodyWaitsInAPartForTheDeadOfTheWhole) {
  EXPECT_THROW(run_ranks(4,
                         [](Communicator& group) {
                           const auto part = group.split("half", group.rank() / 2);
                           if (group.rank() == 1) throw Error(Fault::io, "disk gone");
                           part->barrier();
                           part->barrier();
                         }),
               Error);
}

TEST(LocalCommunicator, BroadcastText) {
  run_ranks(4, [](Communicator& group) {
    EXPECT_EQ(broadcast_text(group, group.is_root() ? "hello" : "never seen"), "hello");
  });
}

TEST(LocalCommunicator, NobodyWaitsForTheDead) {
  EXPECT_THROW(run_ranks(3,
                         [](Communicator& group) {
                           if (group.rank() == 1) throw Error(Fault::io, "disk gone");
                           group.barrier();
                         }),
               Error);
}

TEST(Together, EveryRankThrowsAndNamesTheCulprit) {
  std::atomic<int> told{0};
  run_ranks(3, [&](Communicator& group) {
    try {
      together(group, "write shards", [&] {
        if (group.rank() == 2) throw Error(Fault::data, "shard 2 is bad", "make it anew");
      });
      ADD_FAILURE() << "rank " << group.rank() << " did not hear of it";
    } catch (const Error& error) {
      ++told;
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_EQ(error.remedy(), "make it anew");
      EXPECT_THAT(error.what(), testing::HasSubstr("while write shards"));
      const std::string expected = group.rank() == 2 ? "shard 2 is bad" : "rank 2 of 3 failed: shard 2 is bad";
      EXPECT_EQ(error.message(), expected);
    }
  });
  EXPECT_EQ(told, 3);
}

TEST(Together, PassesWhenAllDo) {
  run_ranks(2, [](Communicator& group) { EXPECT_NO_THROW(together(group, "nothing", [] {})); });
}

}  // namespace
}  // namespace pst::comm
