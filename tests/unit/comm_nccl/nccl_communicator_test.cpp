// SPDX-License-Identifier: Apache-2.0
#include "comm_nccl/nccl_communicator.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "comm/local_communicator.hpp"
#include "core/error.hpp"
#include "unit/comm_nccl/groups.hpp"

namespace pst::comm {
namespace {

using fixture::FakeGpus;
using fixture::group_of;
using fixture::on_gpu;
using fixture::patient;
using testing::AllOf;
using testing::HasSubstr;

// ---- what it does when all is well

TEST(NcclCommunicator, MovesWhatAHostsGroupMoves) {
  const auto gpus = std::make_shared<FakeGpus>();
  run_ranks(3, [&](Communicator& host) {
    const auto group = group_of(host, gpus, patient());
    const int me = host.rank();
    EXPECT_EQ(group->rank(), me);
    EXPECT_EQ(group->size(), 3);
    group->barrier();

    std::vector<std::int32_t> word = {me == 1 ? 77 : 0};
    group->broadcast(on_gpu(word), 1);
    EXPECT_EQ(word[0], 77);

    std::vector<float> mine = {me + 0.25f, me + 0.5f}, all(6);
    group->all_gather(on_gpu(mine), on_gpu(all));
    EXPECT_THAT(all, testing::ElementsAre(0.25f, 0.5f, 1.25f, 1.5f, 2.25f, 2.5f));

    std::vector<std::int32_t> out(6), in(6);
    for (int i = 0; i < 6; ++i) out[static_cast<std::size_t>(i)] = 100 * me + i;
    group->all_to_all(on_gpu(out), on_gpu(in));
    for (int from = 0; from < 3; ++from) EXPECT_EQ(in[static_cast<std::size_t>(2 * from)], 100 * from + 2 * me);

    std::vector<std::int64_t> letter = {me};
    if (me == 0) group->send(2, on_gpu(letter));
    if (me == 2) group->receive(0, on_gpu(letter));
    if (me == 2) {
      EXPECT_EQ(letter[0], 0);
    }
  });
  EXPECT_EQ(gpus->alive, 0);
  EXPECT_EQ(gpus->aborts, 0);
  EXPECT_EQ(gpus->misused, 0);
  EXPECT_EQ(gpus->events, 0);
}

TEST(NcclCommunicator, SplitsIntoNodes) {
  const auto gpus = std::make_shared<FakeGpus>();
  run_ranks(4, [&](Communicator& host) {
    const auto world = group_of(host, gpus, patient());
    const auto node = world->split("node", host.rank() / 2);
    EXPECT_EQ(node->size(), 2);
    EXPECT_EQ(node->rank(), host.rank() % 2);
    EXPECT_EQ(node->name(), "node");

    std::vector<std::int32_t> mine = {host.rank()}, both(2);
    node->all_gather(on_gpu(mine), on_gpu(both));
    const int first = host.rank() / 2 * 2;
    EXPECT_THAT(both, testing::ElementsAre(first, first + 1));
    world->barrier();
  });
  EXPECT_EQ(gpus->alive, 0);
  EXPECT_EQ(gpus->misused, 0);
}

TEST(NcclCommunicator, GathersBesideTheKernels) {
  const auto gpus = std::make_shared<FakeGpus>();
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  run_ranks(2, [&](Communicator& host) {
    const auto group = group_of(host, gpus, patient());
    std::vector<std::int32_t> mine = {host.rank() + 5}, all(2), more(2);

    if (host.rank() == 1) {  // comes last: the other must not have waited for it
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return begun == 1; });
    }
    Pending first = group->all_gather_begin(on_gpu(mine), on_gpu(all));
    Pending second = group->all_gather_begin(on_gpu(mine), on_gpu(more));
    {
      const std::lock_guard lock(mutex);
      ++begun;
      changed.notify_all();
    }
    first.wait();
    second.wait();
    group->barrier();  // on the stream that the waits made wait

    EXPECT_THAT(all, testing::ElementsAre(5, 6));
    EXPECT_THAT(more, testing::ElementsAre(5, 6));
  });
  EXPECT_EQ(gpus->events, 0);
  EXPECT_EQ(gpus->misused, 0);
}

TEST(NcclCommunicator, RefusesHostMemory) {
  const auto gpus = std::make_shared<FakeGpus>();
  run_ranks(2, [&](Communicator& host) {
    const auto group = group_of(host, gpus, patient());
    std::vector<float> values(2);
    try {
      group->broadcast(view_of(std::span(values)), 0);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::bug);
      EXPECT_THAT(error.message(), HasSubstr("host memory goes over the group of hosts"));
    }
  });
}

// ---- versions

TEST(NcclCommunicator, WarnsOfVersionsThatAbortBadly) {
  const auto gpus = std::make_shared<FakeGpus>();
  gpus->version = 22805;
  std::vector<std::string> said;
  run_ranks(2, [&](Communicator& host) {
    NcclOptions options = patient();
    options.warn = [&](const std::string& text) { said.push_back(text); };  // rank 0 alone calls it
    group_of(host, gpus, options)->barrier();
  });
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("NCCL 2.28.5 is one of 2.28.3 to 2.28.8"));
}

TEST(NcclCommunicator, RefusesDifferentVersionsOnEveryRank) {
  const auto gpus = std::make_shared<FakeGpus>();
  std::atomic<int> refused = 0;
  run_ranks(3, [&](Communicator& host) {
    NcclApi api = gpus->nccl(host.rank());
    if (host.rank() == 2)
      api.get_version = [](int* version) {
        *version = 22703;
        return nccl::kSuccess;
      };
    try {
      nccl_communicator(host, api, gpus->cuda(), 0);
    } catch (const Error& error) {
      ++refused;
      EXPECT_EQ(error.fault(), Fault::unfit);
      EXPECT_THAT(error.message(), AllOf(HasSubstr("2.28.9"), HasSubstr("2.27.3"), HasSubstr("(rank 2)")));
    }
  });
  EXPECT_EQ(refused, 3);
  EXPECT_EQ(gpus->alive, 0);
}

}  // namespace
}  // namespace pst::comm
