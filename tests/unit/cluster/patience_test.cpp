// SPDX-License-Identifier: Apache-2.0
#include "cluster/patience.hpp"

#include <gtest/gtest.h>

namespace pst::cluster {
namespace {

using heartbeat::Phase;
using heartbeat::RankSigns;

RankSigns at(std::int64_t step, Phase phase, double moved_at) {
  return {.host = "n1", .step = step, .phase = phase, .moved_at = moved_at};
}

TEST(ProgressWatch, IsGenerousUntilItHasSeenSteps) {
  const Patience patience;
  ProgressWatch watch(patience);
  watch.look({at(0, Phase::starting, 10)}, 10);
  EXPECT_EQ(watch.deadline_s(), patience.start_within);
  watch.look({at(1, Phase::training, 20)}, 20);
  EXPECT_EQ(watch.deadline_s(), patience.start_within) << "the first step alone teaches nothing";
  EXPECT_FALSE(watch.is_over(20 + patience.start_within - 1));
  EXPECT_TRUE(watch.is_over(20 + patience.start_within + 1));
}

TEST(ProgressWatch, LearnsFiveTimesTheLongestSteps) {
  const Patience patience;
  ProgressWatch watch(patience);
  double now = 0;
  for (int step = 1; step <= 100; ++step) {
    now += step % 50 == 0 ? 20 : 4;  // two of a hundred take long
    watch.look({at(step, Phase::training, now)}, now);
  }
  EXPECT_EQ(watch.deadline_s(), 100);
  EXPECT_EQ(watch.step(), 100);
  EXPECT_FALSE(watch.is_over(now + 99));
  EXPECT_TRUE(watch.is_over(now + 101));
}

TEST(ProgressWatch, ShortStepsMeetTheFloor) {
  const Patience patience;
  ProgressWatch watch(patience);
  for (int second = 1; second < 10; ++second) watch.look({at(second * 100, Phase::training, second)}, second);
  EXPECT_EQ(watch.deadline_s(), patience.floor);
}

TEST(ProgressWatch, EvaluatingAndSavingHaveTime) {
  const Patience patience;
  ProgressWatch watch(patience);
  for (int step = 1; step < 10; ++step) watch.look({at(step, Phase::training, step)}, step);
  watch.look({at(9, Phase::evaluating, 10), at(9, Phase::saving, 10)}, 10);
  EXPECT_EQ(watch.deadline_s(), patience.start_within);
  watch.look({at(9, Phase::evaluating, 10), at(9, Phase::training, 11)}, 11);
  EXPECT_EQ(watch.deadline_s(), patience.floor) << "one that trains waits for the others in a collective";
}

TEST(Patience, GrowsWithFailuresAtOneStep) {
  const Patience none = after_failures({}, 0), two = after_failures({}, 2);
  EXPECT_EQ(none.silent_after, Patience{}.silent_after);
  EXPECT_EQ(two.silent_after, 16 * Patience{}.silent_after);
  EXPECT_EQ(two.join_within, 16 * Patience{}.join_within);
  EXPECT_EQ(two.start_within, 4 * Patience{}.start_within);
  EXPECT_EQ(two.grace, Patience{}.grace) << "what a stop may take is Slurm's";
}

TEST(ProgressWatch, RanksThatDoNotFindOneAnotherAreNotWaitedForAsLongAsAModel) {
  const Patience patience;
  ProgressWatch watch(patience);
  watch.look({at(0, Phase::joining, 10), at(0, Phase::joining, 12)}, 12);
  EXPECT_FALSE(watch.is_over(12 + patience.join_within - 1));
  EXPECT_TRUE(watch.is_over(12 + patience.join_within + 1));

  watch.look({at(0, Phase::starting, 13), at(0, Phase::starting, 13)}, 13);
  EXPECT_EQ(watch.deadline_s(), patience.start_within);
}

TEST(ProgressWatch, AnyRankThatMovesCounts) {
  const Patience patience;
  ProgressWatch watch(patience);
  watch.look({at(1, Phase::training, 1), at(1, Phase::training, 1)}, 1);
  watch.look({at(1, Phase::training, 1), at(1, Phase::training, 50)}, 60);
  EXPECT_EQ(watch.moved_at(), 50);
}

}  // namespace
}  // namespace pst::cluster
