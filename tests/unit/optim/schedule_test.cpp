// SPDX-License-Identifier: Apache-2.0
#include "optim/schedule.hpp"

#include <gmock/gmock.h>

namespace pst::optim {
namespace {

recipe::Scheduler scheduler(recipe::Course course, double ratio) { return {.course = course, .warmup_ratio = ratio}; }

// Recorded from transformers 5.23: get_cosine_schedule_with_warmup(optimizer of lr 1, 3, 10).get_last_lr() before each
// step.
TEST(Schedule, CosineFollowsTransformers) {
  const double expected[] = {0.0,
                             0.3333333333333333,
                             0.6666666666666666,
                             1.0,
                             0.9504844339512095,
                             0.8117449009293668,
                             0.6112604669781572,
                             0.3887395330218428,
                             0.1882550990706332,
                             0.04951556604879043};
  for (int step = 0; step < 10; ++step)
    EXPECT_NEAR(learning_rate(scheduler(recipe::Cosine{}, 0.3), 1, step, 10), expected[step], 1e-12) << step;
}

TEST(Schedule, LinearFallsToZeroAndConstantStays) {
  const auto linear = scheduler(recipe::Linear{}, 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 2, 1, 10), 1);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 2, 2, 10), 2);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 2, 6, 10), 1);
  EXPECT_DOUBLE_EQ(learning_rate(linear, 2, 10, 10), 0);
  EXPECT_DOUBLE_EQ(learning_rate(scheduler(recipe::Constant{}, 0), 2, 9, 10), 2);
}

TEST(Schedule, WarmupRoundsUpAndStepsWin) {
  EXPECT_EQ(warmup_steps(scheduler(recipe::Cosine{}, 0.03), 60), 2);
  EXPECT_EQ(warmup_steps(scheduler(recipe::Cosine{}, 0.03), 1), 0);
  EXPECT_EQ(warmup_steps(scheduler(recipe::Cosine{}, 0.9), 5), 4);
  EXPECT_EQ(learning_rate(scheduler(recipe::Linear{}, 0.03), 0.1, 0, 1), 0.1);
  recipe::Scheduler fixed = scheduler(recipe::Cosine{}, 0.5);
  fixed.warmup_steps = 4;
  EXPECT_EQ(warmup_steps(fixed, 60), 4);
}

TEST(Schedule, FloorsAreRatesOfTheRun) {
  const auto min_lr = scheduler(recipe::CosineWithMinLr{.min_lr = 0.5, .min_lr_rate = {}}, 0);
  EXPECT_DOUBLE_EQ(learning_rate(min_lr, 2, 10, 10), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(min_lr, 2, 5, 10), 1.25);
  const auto polynomial = scheduler(recipe::Polynomial{.lr_end = 0.5, .power = 2}, 0);
  EXPECT_DOUBLE_EQ(learning_rate(polynomial, 2, 5, 10), 1.5 * 0.25 + 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(polynomial, 2, 10, 10), 0.5);
}

TEST(Schedule, ARateOfZeroStaysZero) {
  EXPECT_EQ(learning_rate(scheduler(recipe::CosineWithMinLr{.min_lr = 0.0, .min_lr_rate = {}}, 0), 0, 3, 10), 0);
}

}  // namespace
}  // namespace pst::optim
