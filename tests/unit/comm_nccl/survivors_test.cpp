// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/survivors.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/strings.hpp"

namespace pst::comm {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

const std::vector<Peer> kPeers = {{{"gpu-1", "10.0.0.1"}}, {{"gpu-1", "10.0.0.1"}}, {{"gpu-12", "10.0.0.12"}}};

TEST(Blame, TheSurestFirst) {
  // Nobody was asked.
  EXPECT_EQ(blame(kPeers, 0, {}, {2}, ""), "rank 2 on gpu-12 did not come, or its link is gone");
  EXPECT_EQ(blame(kPeers, 0, {}, {1, 2}, "Connection closed by remote peer 10.0.0.12<1234>"),
            "NCCL's message has the address of rank 2 on gpu-12");
  EXPECT_EQ(blame(kPeers, 0, {}, {1, 2}, "peer gpu-1 closed"), "NCCL's message has the address of rank 1 on gpu-1");
  EXPECT_EQ(blame(kPeers, 0, {}, {1, 2}, "timeout"),
            "which of rank 1 on gpu-1, rank 2 on gpu-12 it was is not known to this rank");
  // Some answered.
  EXPECT_EQ(blame(kPeers, 0, {{0, 7, ""}, {2, 7, ""}}, {1, 2}, ""), "rank 1 on gpu-1 does not answer any more");
  EXPECT_EQ(blame(kPeers, 0, {{0, 7, ""}}, {1, 2}, ""), "rank 1 on gpu-1, rank 2 on gpu-12 do not answer any more");
  EXPECT_EQ(blame(kPeers, 0, {{0, 7, ""}, {2, 7, "out of memory"}}, {1, 2}, ""),
            "rank 2 on gpu-12 failed: out of memory");
  EXPECT_EQ(blame(kPeers, 0, {{0, 7, ""}, {1, 7, ""}, {2, 5, ""}}, {1, 2}, ""),
            "all ranks are alive, but rank 2 on gpu-12 had begun operation 5 when others had begun 7");
  EXPECT_THAT(blame(kPeers, 0, {{0, 7, ""}, {1, 7, ""}, {2, 7, ""}}, {1, 2}, ""),
              HasSubstr("the link between them is suspect"));
}

TEST(Blame, NamesNoMoreThanOneCanRead) {
  const std::vector<Peer> many(40, Peer{{"node"}});
  std::vector<int> all;
  for (int rank = 1; rank < 40; ++rank) all.push_back(rank);
  EXPECT_THAT(blame(many, 0, {}, all, ""), HasSubstr("rank 8 on node and 31 more"));
}

TEST(RollCall, CollectsThoseWhoAnswer) {
  const fs::path folder = fs::temp_directory_path() / cat("pst-roll-", ::getpid());
  fs::remove_all(folder);
  EXPECT_FALSE(roll_was_called(folder));
  std::jthread other([&] { call_roll(folder, {2, 8, "its GPU\nfell off"}, 3, 0.1); });

  const auto notes = call_roll(folder, {0, 9, ""}, 3, 1.0);

  EXPECT_TRUE(roll_was_called(folder));
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].rank, 0);
  EXPECT_EQ(notes[1].rank, 2);
  EXPECT_EQ(notes[1].operation, 8);
  EXPECT_EQ(notes[1].own_failure, "its GPU");
  std::ofstream(folder / "rank-1") << "nonsense";
  EXPECT_EQ(call_roll(folder, {0, 9, ""}, 3, 0.1).size(), 2u) << "a damaged note is no answer";
  fs::remove_all(folder);
}

TEST(RollCall, AFolderThatCannotBeMadeMakesNoError) {
  EXPECT_EQ(call_roll("/proc/nowhere", {0, 9, ""}, 2, 0.05).size(), 1u);
}

}  // namespace
}  // namespace pst::comm
