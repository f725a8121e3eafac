#include "comm/communicator.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <vector>

#include "comm/local_communicator.hpp"

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
