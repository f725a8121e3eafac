// SPDX-License-Identifier: Apache-2.0
// Sender and Listener together, over the loopback interface.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "core/clock.hpp"
#include "heartbeat/listener.hpp"
#include "heartbeat/sender.hpp"

namespace pst::heartbeat {
namespace {

bool within(double seconds, const std::function<bool()>& holds) {
  const double deadline = monotonic_seconds() + seconds;
  while (monotonic_seconds() < deadline) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return holds();
}

class Beats : public testing::Test {
 protected:
  std::unique_ptr<Listener> listener = std::make_unique<Listener>(Reach::this_host, "here");
  std::atomic<int> ends{0};
  std::string why;

  std::unique_ptr<Sender> sender(int rank, int attempt = 1, double gone_after_s = 10) {
    return std::make_unique<Sender>(SenderSettings{.endpoint = listener->endpoint(),
                                                   .attempt = attempt,
                                                   .rank = rank,
                                                   .host = "n1",
                                                   .beat_s = 0.02,
                                                   .gone_after_s = gone_after_s,
                                                   .end = [this](Gone, const std::string& reason) {
                                                     why = reason;
                                                     ++ends;
                                                   }});
  }
};

TEST_F(Beats, TheListenerKnowsEachRanksStepAndPhase) {
  listener->begin(1, 2);
  EXPECT_TRUE(listener->ranks()[0].host.empty());
  const auto first = sender(0), second = sender(1);

  first->progress(5, Phase::training);
  second->progress(4, Phase::saving);

  EXPECT_TRUE(within(5, [&] { return listener->ranks()[0].step == 5 && listener->ranks()[1].step == 4; }));
  const auto ranks = listener->ranks();
  EXPECT_EQ(ranks[0].phase, Phase::training);
  EXPECT_EQ(ranks[1].phase, Phase::saving);
  EXPECT_EQ(ranks[1].host, "n1");
  EXPECT_EQ(ranks[1].pid, ::getpid());
  EXPECT_TRUE(ranks[1].connected);
}

TEST_F(Beats, ARankThatLeavesIsSeenAtOnce) {
  listener->begin(1, 1);
  auto only = sender(0);
  ASSERT_TRUE(within(5, [&] { return listener->ranks()[0].connected; }));

  only.reset();

  EXPECT_TRUE(within(1, [&] { return !listener->ranks()[0].connected; }));
  EXPECT_NEAR(listener->ranks()[0].left_at, monotonic_seconds(), 1);
  EXPECT_EQ(listener->ranks()[0].phase, Phase::finishing) << "it left in good order";
}

TEST_F(Beats, OnlyMovementMovesMovedAt) {
  listener->begin(1, 1);
  const auto only = sender(0);
  only->progress(1, Phase::training);
  ASSERT_TRUE(within(5, [&] { return listener->ranks()[0].step == 1; }));
  const double moved_at = listener->ranks()[0].moved_at;
  ASSERT_TRUE(within(5, [&] { return listener->ranks()[0].heard_at > moved_at + 0.1; }));
  EXPECT_EQ(listener->ranks()[0].moved_at, moved_at);
}

TEST_F(Beats, StopReachesRanksThatConnectLaterToo) {
  listener->begin(1, 2);
  const auto early = sender(0);
  ASSERT_TRUE(within(5, [&] { return listener->ranks()[0].connected; }));
  EXPECT_FALSE(early->stop_requested());

  listener->order(Order::stop);
  const auto late = sender(1);

  EXPECT_TRUE(within(5, [&] { return early->stop_requested() && late->stop_requested(); }));
  EXPECT_EQ(ends, 0);
}

TEST_F(Beats, AnOrderDoesNotOutliveItsAttempt) {
  listener->begin(1, 1);
  listener->order(Order::die);
  listener->begin(2, 1);
  const auto next = sender(0, 2);
  EXPECT_TRUE(within(5, [&] { return listener->ranks()[0].connected; }));
  EXPECT_FALSE(within(0.2, [&] { return ends > 0; }));
}

TEST_F(Beats, DieEndsARank) {
  listener->begin(1, 1);
  const auto only = sender(0);
  listener->order(Order::die);
  EXPECT_TRUE(within(5, [&] { return ends == 1; }));
  EXPECT_THAT(why, testing::HasSubstr("order"));
}

TEST_F(Beats, ARankOfAnOlderAttemptIsToldToDieAndCountsForNothing) {
  listener->begin(1, 1);
  const auto old = sender(0, 1);
  ASSERT_TRUE(within(5, [&] { return listener->ranks()[0].connected; }));

  listener->begin(2, 1);

  EXPECT_TRUE(within(5, [&] { return ends == 1; }));
  EXPECT_TRUE(listener->ranks()[0].host.empty());
  const auto later = sender(0, 1);  // a node that was cut off comes back
  EXPECT_TRUE(within(5, [&] { return ends == 2; }));
}

TEST_F(Beats, ASilentSupervisorEndsTheRank) {
  listener->begin(1, 1);
  const auto only = sender(0, 1, /*gone_after_s=*/0.3);
  ASSERT_TRUE(within(5, [&] { return listener->ranks()[0].connected; }));
  EXPECT_FALSE(within(0.6, [&] { return ends > 0; })) << "it was answered all the time: " << why;

  listener.reset();

  EXPECT_TRUE(within(5, [&] { return ends == 1; }));
  EXPECT_THAT(why, testing::HasSubstr("supervisor on here has not been heard"));
}

TEST_F(Beats, AWatcherIsAnsweredAndNeverGivenAnOrder) {
  listener->begin(1, 1);
  const auto watcher = sender(kWatcher, 0, /*gone_after_s=*/0.3);
  ASSERT_TRUE(within(5, [&] { return listener->watcher().connected; }));
  listener->order(Order::die);
  listener->begin(2, 1);
  EXPECT_FALSE(within(0.6, [&] { return ends > 0; })) << why;
  EXPECT_EQ(listener->watcher().host, "n1");
}

/// The parent has to change for real: a process starts one more, which makes a Sender, and then ends.
TEST(Orphans, EndThemselves) {
  int ready[2], answer[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(answer), 0);
  const pid_t middle = ::fork();
  if (middle == 0) {
    if (::fork() != 0) {
      char byte = 0;
      ::_exit(::read(ready[0], &byte, 1) == 1 ? 0 : 1);
    }
    const Sender sender({.endpoint = {.host = "h", .addresses = {"127.0.0.1"}, .port = 1, .token = "t"},
                         .beat_s = 0.02,
                         .gone_after_s = 60,
                         .end = [&](Gone gone, const std::string&) {
                           if (gone == Gone::parent && ::write(answer[1], "!", 1) == 1) ::_exit(75);
                         }});
    if (::write(ready[1], "!", 1) != 1) ::_exit(1);
    ::sleep(5);
    ::_exit(0);
  }
  ::close(answer[1]);
  ::waitpid(middle, nullptr, 0);
  char byte = 0;
  EXPECT_EQ(::read(answer[0], &byte, 1), 1) << "the orphan went on";
  for (const int end : {ready[0], ready[1], answer[0]}) ::close(end);
}

}  // namespace
}  // namespace pst::heartbeat
