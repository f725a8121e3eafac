// SPDX-License-Identifier: Apache-2.0
// What the survivors of a dead peer, a cut link or a broken GPU are told, and when.
#include <gmock/gmock.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "comm/local_communicator.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "unit/comm_nccl/groups.hpp"

namespace pst::comm {
namespace {

using fixture::FakeGpus;
using fixture::group_of;
using fixture::on_gpu;
using fixture::patient;
using fixture::quick;
using fixture::RollCallFolder;
using testing::AllOf;
using testing::HasSubstr;

/// Every survivor gets Error(transient), and before `limit_s` is over. @return what they were told
std::vector<std::string> survive(const std::shared_ptr<FakeGpus>& gpus, const NcclOptions& options, int ranks,
                                 int victim, const std::function<void(Communicator&)>& work, double limit_s = 8) {
  std::mutex mutex;
  std::vector<std::string> told;
  const double begin = monotonic_seconds();
  run_ranks(ranks, [&](Communicator& host) {
    const auto group = group_of(host, gpus, options);
    group->barrier();
    host.barrier();
    if (host.rank() == victim) return;  // gone, with all its threads
    try {
      work(*group);
      ADD_FAILURE() << "rank " << host.rank() << " did not notice";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::transient) << error.what();
      EXPECT_EQ(exit_status(error.fault()), 75);
      EXPECT_THAT(error.remedy(), HasSubstr("newest checkpoint"));
      const std::lock_guard lock(mutex);
      told.push_back(error.what());
    }
    EXPECT_THROW(group->barrier(), Error) << "a failed group stays failed";
  });
  EXPECT_LT(monotonic_seconds() - begin, limit_s);
  EXPECT_EQ(static_cast<int>(told.size()), ranks - 1);
  return told;
}

struct Operation {
  const char* name;
  std::function<void(Communicator&)> run;
};
std::ostream& operator<<(std::ostream& out, const Operation& operation) { return out << operation.name; }

std::vector<Operation> operations() {
  return {
      {"barrier", [](Communicator& group) { group.barrier(); }},
      {"broadcast",
       [](Communicator& group) {
         std::vector<float> x(4);
         group.broadcast(on_gpu(x), 1);
       }},
      {"all_gather",
       [](Communicator& group) {
         std::vector<float> x(4), all(12);
         group.all_gather(on_gpu(x), on_gpu(all));
       }},
      {"all_gather_begin",
       [](Communicator& group) {
         std::vector<float> x(4), all(12);
         group.all_gather_begin(on_gpu(x), on_gpu(all)).wait();  // queues; the stream waits, and so does who needs it
         group.barrier();
       }},
      {"all_to_all",
       [](Communicator& group) {
         std::vector<float> out(6), in(6);
         group.all_to_all(on_gpu(out), on_gpu(in));
       }},
      {"send and receive",
       [](Communicator& group) {
         std::vector<float> x(4);
         if (group.rank() == 0) group.send(1, on_gpu(x));
         group.receive(1, on_gpu(x));
       }},
      {"split", [](Communicator& group) { group.split("part", 0); }}};
}

class PeerDies : public testing::TestWithParam<Operation> {};

TEST_P(PeerDies, WhatNcclDoesNotSeeEndsAtTheDeadlineAndTheRollCallNamesIt) {
  const auto gpus = std::make_shared<FakeGpus>();
  const RollCallFolder folder;
  NcclOptions options = quick();
  options.roll_call = folder.path();

  const auto told = survive(gpus, options, 3, 1, GetParam().run);

  for (const auto& text : told) EXPECT_THAT(text, HasSubstr("rank 1 on")) << text;
  for (const auto& text : told) EXPECT_THAT(text, HasSubstr("does not answer any more")) << text;
  EXPECT_EQ(gpus->alive, 0);
  EXPECT_EQ(gpus->aborts, 2);
  EXPECT_EQ(gpus->misused, 0);
}

TEST_P(PeerDies, WhatNcclReportsEndsAtOnce) {
  const auto gpus = std::make_shared<FakeGpus>();
  NcclOptions options = patient();  // ten minutes for an operation
  const std::string address = "Connection closed by remote peer 192.0.2.77<41234>";
  std::atomic<int> waiting = 0;

  const auto told = survive(gpus, options, 3, 1, [&](Communicator& group) {
    if (++waiting == 2) gpus->report(nccl::kRemoteError, address);
    GetParam().run(group);
  });

  for (const auto& text : told) EXPECT_THAT(text, HasSubstr("remote process exited")) << text;
  for (const auto& text : told) EXPECT_THAT(text, HasSubstr(address)) << text;
  EXPECT_EQ(gpus->alive, 0);
  EXPECT_EQ(gpus->misused, 0);
}

INSTANTIATE_TEST_SUITE_P(InEveryOperation, PeerDies, testing::ValuesIn(operations()), [](const auto& one) {
  std::string name = one.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

TEST(NcclCommunicator, WhoNeverComesIsWaitedForUntilTheDeadline) {
  const auto gpus = std::make_shared<FakeGpus>();
  std::atomic<int> told = 0;
  EXPECT_THROW(run_ranks(3,
                         [&](Communicator& host) {
                           NcclApi api = gpus->nccl(host.rank());
                           if (host.rank() == 2)
                             api.comm_init_rank_config = [](auto&&...) -> nccl::Result {
                               throw Error(Fault::io, "killed");
                             };
                           try {
                             nccl_communicator(host, api, gpus->cuda(), 0, quick());
                             ADD_FAILURE();
                           } catch (const Error& error) {
                             if (host.rank() == 2) throw;
                             ++told;
                             EXPECT_EQ(error.fault(), Fault::transient);
                             EXPECT_THAT(error.message(), HasSubstr("making the group 'gpus' did not end within"));
                             EXPECT_THAT(error.message(), AllOf(HasSubstr("which of"), HasSubstr("rank 2 on"),
                                                                HasSubstr("is not known to this rank")));
                           }
                         }),
               Error);
  EXPECT_EQ(told, 2);
  EXPECT_EQ(gpus->alive, 0);
  EXPECT_EQ(gpus->misused, 0);
}

TEST(NcclCommunicator, OfTwoRanksTheOtherOneIsNamed) {
  const auto gpus = std::make_shared<FakeGpus>();
  const auto told = survive(gpus, quick(), 2, 0, [](Communicator& group) { group.barrier(); });
  EXPECT_THAT(told.at(0),
              AllOf(HasSubstr("barrier did not end within"), HasSubstr("rank 0 on"), HasSubstr("did not come")));
}

TEST(NcclCommunicator, WhoIsBehindIsNamed) {
  const auto gpus = std::make_shared<FakeGpus>();
  const RollCallFolder folder;
  NcclOptions options = quick();
  options.roll_call = folder.path();
  std::atomic<int> told = 0;
  run_ranks(3, [&](Communicator& host) {
    const auto group = group_of(host, gpus, options);
    if (host.rank() == 1) {  // alive, and elsewhere: a data loader that hangs, say. Its watch answers.
      while (told < 2) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      EXPECT_THROW(group->barrier(), Error) << "it hears of it at its next operation";
      return;
    }
    try {
      group->barrier();
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), AllOf(HasSubstr("all ranks are alive"), HasSubstr("rank 1 on")));
    }
    ++told;
  });
  EXPECT_EQ(told, 2);
}

TEST(NcclCommunicator, AbortsEveryGroupOnce) {
  const auto gpus = std::make_shared<FakeGpus>();
  run_ranks(3, [&](Communicator& host) {
    const auto world = group_of(host, gpus, quick());
    const auto all = world->split("all", 0), own = world->split("own", host.rank());
    host.barrier();
    if (host.rank() == 0) return;
    EXPECT_THROW(all->barrier(), Error);
    EXPECT_THROW(world->barrier(), Error);
    std::vector<float> x(2), y(2);
    EXPECT_THROW(own->all_gather(on_gpu(x), on_gpu(y)), Error);
  });
  EXPECT_EQ(gpus->aborts, 6);
  EXPECT_EQ(gpus->alive, 0);
  EXPECT_EQ(gpus->misused, 0);
}

TEST(NcclCommunicator, AbortsGroupsWhoseHandlesCameLate) {
  for (const double late_s : {1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3}) {
    const auto gpus = std::make_shared<FakeGpus>();
    gpus->split_takes_s = late_s;
    run_ranks(2, [&](Communicator& host) {
      const auto world = group_of(host, gpus, quick());
      std::vector<std::unique_ptr<Communicator>> parts;
      for (int i = 0; i < 20; ++i) parts.push_back(world->split(cat("part ", i), 0));
      host.barrier();
      if (host.rank() == 0) return;
      EXPECT_THROW(world->barrier(), Error);
    });
    EXPECT_EQ(gpus->alive, 0) << late_s;
    EXPECT_EQ(gpus->misused, 0);
  }
}

TEST(NcclCommunicator, TwoRanksWithOneGpuAreAMistakeOfTheLaunch) {
  const auto gpus = std::make_shared<FakeGpus>();
  gpus->one_gpu = true;
  run_ranks(2, [&](Communicator& host) {
    try {
      group_of(host, gpus, patient());
      ADD_FAILURE() << "was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      EXPECT_THAT(error.message(), AllOf(HasSubstr("ranks 0 and 1 on"), HasSubstr("have the same GPU (0000:17:00.0)")));
      EXPECT_THAT(error.remedy(), HasSubstr("slurm.ranks_per_node"));
    }
  });
}

TEST(NcclCommunicator, DoesNotWaitForAnAbortThatHangs) {
  const auto gpus = std::make_shared<FakeGpus>();
  gpus->abort_takes_s = 4;
  NcclOptions options = quick();
  options.abort_deadline_s = 0.3;
  const auto told = survive(
      gpus, options, 2, 1, [](Communicator& group) { group.barrier(); }, /*limit_s=*/3.5);
  EXPECT_THAT(told.at(0), HasSubstr("NCCL did not let go of the group within"));
}

TEST(NcclCommunicator, AGpuThatFailsIsOnesOwnAndOthersAreTold) {
  const auto gpus = std::make_shared<FakeGpus>();
  const RollCallFolder folder;
  NcclOptions options = patient();
  options.roll_call = folder.path();
  options.roll_call_s = 2;
  run_ranks(2, [&](Communicator& host) {
    CudaApi cuda = gpus->cuda();
    std::atomic<bool> broken = false;
    const auto query = cuda.event_query;
    cuda.event_query = [&](CudaApi::Event event) { return broken ? 700 : query(event); };
    const auto group = nccl_communicator(host, gpus->nccl(host.rank()), cuda, 0, options);
    host.barrier();
    broken = host.rank() == 1;
    if (host.rank() == 1) {
      try {
        group->barrier();
        ADD_FAILURE();
      } catch (const Error& error) {
        EXPECT_THAT(error.message(), HasSubstr("cudaEventQuery failed: an illegal memory access was encountered"));
      }
      return;
    }
    try {
      group->barrier();
      group->barrier();
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_THAT(error.message(),
                  AllOf(HasSubstr("rank 1 on"), HasSubstr("an illegal memory access was encountered")));
    }
  });
}

TEST(NcclCommunicator, LeavesThoughTheMainThreadIsStuckOnTheGpu) {
  const auto gpus = std::make_shared<FakeGpus>();
  NcclOptions options = quick();
  options.grace_s = 0.1;
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Error> last_words;
  options.last_words = [&](const Error& error) {
    const std::lock_guard lock(mutex);
    last_words = error;
    changed.notify_all();
  };
  run_ranks(2, [&](Communicator& host) {
    const auto group = group_of(host, gpus, options);
    host.barrier();
    if (host.rank() == 1) return;
    std::vector<float> x(2), all(4);
    Pending gathering = group->all_gather_begin(on_gpu(x), on_gpu(all));
    gathering.wait();  // and then a cudaStreamSynchronize() that does not return:
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(8), [&] { return last_words.has_value(); }));
  });
  ASSERT_TRUE(last_words.has_value());
  EXPECT_EQ(exit_status(last_words->fault()), 75);
  EXPECT_THAT(last_words->message(), AllOf(HasSubstr("all_gather_begin did not end within"), HasSubstr("rank 1 on")));
}

}  // namespace
}  // namespace pst::comm
