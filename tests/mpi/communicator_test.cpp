// SPDX-License-Identifier: Apache-2.0
#include "comm/communicator.hpp"

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <vector>

#include "comm_mpi/mpi_communicator.hpp"

// Every rank runs every test; expectations come after the collective, so that no rank leaves the others waiting.
namespace pst::comm {
namespace {

MpiSession* session = nullptr;
Communicator& world() { return session->world(); }

TEST(MpiCommunicator, AllToAllExchangesShares) {
  const auto ranks = static_cast<std::size_t>(world().size());
  std::vector<std::int64_t> out(2 * ranks), in(2 * ranks);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = 1000 * world().rank() + static_cast<std::int64_t>(i);

  world().all_to_all(view_of(std::span(out)), view_of(std::span(in)));

  for (std::size_t from = 0; from < ranks; ++from)
    EXPECT_EQ(in[2 * from + 1], 1000 * static_cast<std::int64_t>(from) + 2 * world().rank() + 1);
}

TEST(MpiCommunicator, AllGatherKeepsTheRanksOrder) {
  const double mine = world().rank() + 0.5;
  std::vector<double> all(static_cast<std::size_t>(world().size()));
  world().all_gather(const_view_of(std::span<const double>(&mine, 1)), view_of(std::span(all)));
  for (std::size_t rank = 0; rank < all.size(); ++rank) EXPECT_EQ(all[rank], static_cast<double>(rank) + 0.5);
}

TEST(MpiCommunicator, GathersThatWereBegunGoOnBesideOtherOperations) {
  const auto ranks = static_cast<std::size_t>(world().size());
  constexpr std::size_t kShare = 3 << 20;  // larger than what MPI sends eagerly
  const std::vector<std::int32_t> mine(kShare, world().rank());
  std::vector<std::int32_t> all(ranks * kShare), more(ranks * kShare);

  Pending one = world().all_gather_begin(const_view_of(std::span(mine)), view_of(std::span(all)));
  Pending two = world().all_gather_begin(const_view_of(std::span(mine)), view_of(std::span(more)));
  world().barrier();
  two.wait();
  one.wait();

  for (std::size_t rank = 0; rank < ranks; ++rank) {
    EXPECT_EQ(all[rank * kShare + kShare - 1], static_cast<std::int32_t>(rank));
    EXPECT_EQ(more[rank * kShare], static_cast<std::int32_t>(rank));
  }
}

TEST(MpiCommunicator, SplitsByColor) {
  const auto part = world().split("parity", world().rank() % 2);
  EXPECT_EQ(part->size(), (world().size() + 1 - world().rank() % 2) / 2);
  EXPECT_EQ(part->rank(), world().rank() / 2);
  const std::int32_t mine = world().rank();
  std::vector<std::int32_t> all(static_cast<std::size_t>(part->size()));
  part->all_gather(const_view_of(std::span(&mine, 1)), view_of(std::span(all)));
  EXPECT_EQ(all.back() % 2, world().rank() % 2);
}

TEST(MpiCommunicator, AMessageGoesFromOneRankToAnother) {
  const std::int64_t sent = 4711;
  std::int64_t received = 0;
  const int last = world().size() - 1;

  if (last > 0 && world().is_root()) world().send(last, const_view_of(std::span<const std::int64_t>(&sent, 1)));
  if (last > 0 && world().rank() == last) world().receive(0, view_of(std::span<std::int64_t>(&received, 1)));

  EXPECT_EQ(received, last > 0 && world().rank() == last ? sent : 0);
}

TEST(MpiCommunicator, BroadcastTextComesFromTheRoot) {
  EXPECT_EQ(broadcast_text(world(), world().is_root() ? "from the root" : "from another"), "from the root");
}

TEST(MpiCommunicator, TogetherFailsEverywhereWhenOneRankFails) {
  const int culprit = world().size() - 1;
  std::string told;
  try {
    together(world(), "try something", [&] {
      if (world().rank() == culprit) throw Error(Fault::data, "broken here", "mend it");
    });
  } catch (const Error& error) {
    told = error.what();
  }
  EXPECT_THAT(told, testing::HasSubstr("broken here"));
  EXPECT_THAT(told, testing::HasSubstr("try: mend it"));
}

TEST(PromisedRanks, OurOwnVariableWinsOverSlurmsAndNonsenseIsNoPromise) {
  static std::map<std::string, std::string> environment;
  const auto look = [](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  environment = {};
  EXPECT_EQ(promised_ranks(look), 0);
  environment = {{"SLURM_STEP_NUM_TASKS", "8"}};
  EXPECT_EQ(promised_ranks(look), 8);
  environment = {{"SLURM_STEP_NUM_TASKS", "8"}, {"PST_RANKS", "2"}};
  EXPECT_EQ(promised_ranks(look), 2);
  environment = {{"SLURM_STEP_NUM_TASKS", "many"}};
  EXPECT_EQ(promised_ranks(look), 0);
}

}  // namespace
}  // namespace pst::comm

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  pst::comm::MpiSession mpi;
  pst::comm::session = &mpi;
  return RUN_ALL_TESTS();
}
