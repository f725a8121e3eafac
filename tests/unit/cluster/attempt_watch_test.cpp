// SPDX-License-Identifier: Apache-2.0
#include "cluster/attempt_watch.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "heartbeat/sender.hpp"
#include "heartbeat/socket.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cluster {
namespace {

using heartbeat::Phase;
using testing::ElementsAre;
using testing::HasSubstr;

/// Ranks that speak as the test likes, under a launcher that is a shell script.
class Watch : public testing::Test {
 protected:
  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");
  SignalQueue signals{SIGUSR2, SIGCHLD};
  heartbeat::Listener listener{heartbeat::Reach::this_host, "here"};
  WatchSettings settings{.attempt = 1,
                         .on_tick =
                             [this] {
                               if (on_tick) on_tick();
                             },
                         .renew_lease = [] {},
                         .on_fault = [this](const Seen&) { ++faults; },
                         .user_interrupt = true};
  std::function<void()> on_tick;
  int faults = 0;
  double took_s = 0;

  Watch() {
    settings.patience.lost_after = 0.2;
    settings.patience.silent_after = 0.5;
  }
  Seen watch(int ranks, const std::string& script = "exec sleep 60") {
    listener.begin(1, ranks);
    Child workers({.argv = {"/bin/sh", "-c", script}, .output = dir / "out"});
    const double begin = monotonic_seconds();
    const Seen seen = AttemptWatch(run, settings, listener, signals, workers).watch();
    took_s = monotonic_seconds() - begin;
    return seen;
  }
  /// A connection that has said hello and `step`, and nothing since.
  heartbeat::Socket mute(int rank, std::int64_t step) {
    auto socket = heartbeat::connect_to("127.0.0.1", listener.endpoint().port, 2).value();
    const heartbeat::Hello hello{
        .token = listener.endpoint().token, .attempt = 1, .rank = rank, .pid = 100 + rank, .host = cat("n", rank + 1)};
    heartbeat::send_line(socket, to_line(hello) + to_line(heartbeat::Beat{.step = step, .phase = Phase::training}));
    return socket;
  }
  std::unique_ptr<heartbeat::Sender> speaking(int rank) {
    return std::make_unique<heartbeat::Sender>(heartbeat::SenderSettings{.endpoint = listener.endpoint(),
                                                                         .attempt = 1,
                                                                         .rank = rank,
                                                                         .host = cat("n", rank + 1),
                                                                         .beat_s = 0.05,
                                                                         .end = [](heartbeat::Gone, const auto&) {}});
  }
};

TEST_F(Watch, ARankWhoseConnectionEndsIsLost) {
  heartbeat::Socket first, second;
  on_tick = [&, turn = 0]() mutable {
    if (turn == 0) first = mute(0, 5), second = mute(1, 5);
    if (turn++ == 1) second.close();
  };
  settings.patience.silent_after = 60;

  const Seen seen = watch(2);

  EXPECT_EQ(seen.fault, Happening::rank_lost);
  EXPECT_THAT(seen.ranks, ElementsAre(1));
  EXPECT_THAT(seen.hosts, ElementsAre("n2"));
  EXPECT_THAT(seen.ending.noticed, HasSubstr("rank 1 on n2 ended without a word"));
  EXPECT_LT(*seen.noticed_after_s, 2);
  EXPECT_EQ(faults, 1);
  EXPECT_LT(took_s, 5) << "the launcher was not ended";
}

TEST_F(Watch, ARankThatIsNotHeardIsSilent) {
  heartbeat::Socket only;
  on_tick = [&] {
    if (!only) only = mute(0, 5);
  };

  const Seen seen = watch(1);

  EXPECT_EQ(seen.fault, Happening::rank_silent);
  EXPECT_NEAR(*seen.noticed_after_s, 0.5, 0.4);
}

TEST_F(Watch, AfterAFailureSilenceIsBorneLongerAtTheSameStep) {
  heartbeat::Socket only;
  on_tick = [&] {
    if (!only) only = mute(0, 5);
  };
  settings.failures_before = 1;
  settings.newest_step = 5;
  EXPECT_NEAR(*watch(1).noticed_after_s, 2, 0.4);

  only.close();
  settings.newest_step = 4;  // this attempt is beyond it
  EXPECT_NEAR(*watch(1).noticed_after_s, 0.5, 0.4);
}

TEST_F(Watch, ARankThatDoesNotComeIsMissedOnceAnotherIsThere) {
  std::unique_ptr<heartbeat::Sender> first;
  on_tick = [&] {
    if (!first) first = speaking(0);
  };
  settings.patience.come_within = 0.5;

  const Seen seen = watch(2);

  EXPECT_EQ(seen.fault, Happening::rank_silent);
  EXPECT_THAT(seen.ranks, ElementsAre(1));
  EXPECT_THAT(seen.hosts, testing::IsEmpty()) << "nobody knows where it is";
  EXPECT_THAT(seen.ending.noticed, HasSubstr("rank 1 has not come"));
}

TEST_F(Watch, RanksThatDoNotMoveAreNoticed) {
  std::unique_ptr<heartbeat::Sender> only;
  on_tick = [&] {
    if (!only) only = speaking(0), only->progress(7, Phase::training);
  };
  settings.patience.start_within = 0.6;

  const Seen seen = watch(1);

  EXPECT_EQ(seen.fault, Happening::no_progress);
  EXPECT_THAT(seen.ending.noticed, HasSubstr("step 7 was the newest"));
}

TEST_F(Watch, LeavingInGoodOrderIsNoFault) {
  std::unique_ptr<heartbeat::Sender> only;
  on_tick = [&, turn = 0]() mutable {
    if (turn == 0) only = speaking(0), only->progress(9, Phase::training);
    if (turn++ == 1) only.reset();
  };

  const Seen seen = watch(1, "sleep 2");

  EXPECT_FALSE(seen.fault) << seen.ending.noticed;
  EXPECT_EQ(seen.ending.status, 0);
}

TEST_F(Watch, ASignalBecomesAnOrderToEveryRank) {
  std::unique_ptr<heartbeat::Sender> first, second;
  on_tick = [&, turn = 0]() mutable {
    if (turn == 0) first = speaking(0), second = speaking(1);
    if (turn++ == 1) ::kill(::getpid(), SIGUSR2);
    if (second->stop_requested() && first->stop_requested()) write_durably(dir / "ordered", "");
  };

  const Seen seen =
      watch(2, cat("trap '' USR2; while ! test -e '", (dir / "ordered").string(), "'; do sleep 0.05; done; exit 76"));

  EXPECT_EQ(seen.ending.status, 76);
  EXPECT_EQ(seen.ending.stopped_by, SIGUSR2);
  EXPECT_FALSE(seen.fault);
}

TEST_F(Watch, APauseWaitsForAStepThatTakesItsTime) {
  run.event("pause-requested");
  settings.patience.pause_now_grace = 0.2;
  std::unique_ptr<heartbeat::Sender> only;
  on_tick = [&, turn = 0]() mutable {
    if (turn == 0) only = speaking(0);
    if (turn++ == 1) ::kill(::getpid(), SIGUSR2);
  };

  const Seen seen = watch(1, "trap '' USR2; sleep 3; exit 76");

  EXPECT_EQ(seen.ending.status, 76) << "it was killed in the middle of its step";
  EXPECT_TRUE(seen.ending.pause_requested);
}

TEST_F(Watch, APauseNowDoesNotWaitForRanksThatDoNotStop) {
  run.event("pause-requested", {{"now", true}});
  settings.patience.pause_now_grace = 0.5;
  std::unique_ptr<heartbeat::Sender> only;
  on_tick = [&, turn = 0]() mutable {
    if (turn == 0) only = speaking(0);
    if (turn++ == 1) ::kill(::getpid(), SIGUSR2);
  };

  const Seen seen = watch(1, "trap '' USR2; while :; do sleep 0.05; done");

  EXPECT_EQ(seen.ending.status, 128 + SIGKILL);
  EXPECT_TRUE(seen.ending.pause_requested);
  EXPECT_LT(took_s, 5);
}

}  // namespace
}  // namespace pst::cluster
