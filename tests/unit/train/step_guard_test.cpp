// SPDX-License-Identifier: Apache-2.0
#include "train/step_guard.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace pst::train {
namespace {

using recipe::GuardAction;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

/// A guard that has accepted `steps` steps of loss 2 and gradient norm 1.
Guard after(int steps, recipe::Guard settings = {}) {
  Guard guard(settings, {});
  for (int i = 0; i < steps; ++i) guard.accept(2, 1);
  return guard;
}

TEST(Guard, NotFiniteIsFoundAtOnce) {
  const Guard guard = after(0, {.not_finite = GuardAction::skip, .spike = GuardAction::stop});

  for (const auto& [loss, norm] : {std::pair(kNan, 1.0), {kInfinity, 1.0}, {1.0, kNan}, {1.0, kInfinity}}) {
    const auto finding = guard.judge(loss, norm);
    ASSERT_TRUE(finding) << loss << ' ' << norm;
    EXPECT_EQ(finding->action, GuardAction::skip);
    EXPECT_THAT(finding->remedy, HasSubstr("optimizer.lr"));
  }
  EXPECT_FALSE(guard.judge(1, 1));
}

TEST(Guard, LossIsComparedOnceTheWindowIsFull) {
  EXPECT_FALSE(after(4).judge(100, 1));

  const auto finding = after(5, {.spike = GuardAction::rollback}).judge(4.5, 1);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, GuardAction::rollback);
  EXPECT_EQ(finding->what, "loss 4.5 is 2.25 times the lowest of the last 5 steps, 2");
  EXPECT_FALSE(after(5).judge(4, 1)) << "exactly the ratio is no spike";
}

TEST(Guard, WindowForgetsOldSteps) {
  Guard guard(recipe::Guard{}, {});
  guard.accept(0.5, 1);
  for (int i = 0; i < 4; ++i) guard.accept(2, 1);
  EXPECT_TRUE(guard.judge(1.5, 1)) << "three times the first of five";

  guard.accept(2, 1);
  EXPECT_FALSE(guard.judge(1.5, 1)) << "the low one has left the window";
}

TEST(Guard, GradientNormHasALimitAndARunningAverage) {
  EXPECT_THAT(after(0).judge(2, 10.5)->what, HasSubstr("gradient norm 10.5 exceeds 10"));
  EXPECT_FALSE(after(0).judge(2, 10));
  EXPECT_FALSE(after(0, {.grad_norm = 0}).judge(2, 1e9)) << "0 is no limit";

  EXPECT_FALSE(after(4).judge(2, 6)) << "too early to know an average";
  EXPECT_THAT(after(5).judge(2, 6)->what, HasSubstr("gradient norm 6 is 6 times its running average, 1"));
  EXPECT_FALSE(after(5).judge(2, 5));
}

TEST(Guard, OnlyAcceptedStepsMoveIt) {
  Guard guard = after(5);
  const GuardState before = guard.state();

  (void)guard.judge(100, 100);

  EXPECT_EQ(guard.state().losses, before.losses);
  EXPECT_EQ(guard.state().norm_average, before.norm_average);
  guard.accept(100, 100);
  EXPECT_NE(guard.state().norm_average, before.norm_average);
}

TEST(Guard, SameStateSameVerdict) {
  Guard first(recipe::Guard{}, {});
  for (int i = 0; i < 100; ++i) first.accept(1 + 0.37 * std::sin(i), 2 + std::cos(i));

  Guard second(recipe::Guard{}, first.state());

  for (int i = 100; i < 200; ++i) {
    const double loss = 1 + 0.9 * std::sin(i * i), norm = 1 + 12 * std::abs(std::cos(i));
    const auto a = first.judge(loss, norm), b = second.judge(loss, norm);
    ASSERT_EQ(a.has_value(), b.has_value()) << i;
    EXPECT_EQ(a ? a->what : "", b ? b->what : "");
    first.accept(loss, norm), second.accept(loss, norm);
  }
}

TEST(Guard, StopsWhenNothingButSkippingHelps) {
  Guard guard = after(5, {.not_finite = GuardAction::skip, .spike = GuardAction::warn});
  for (int i = 0; i < kMostPassedOver; ++i) {
    EXPECT_EQ(guard.judge(kNan, 1)->action, GuardAction::skip) << i;
    guard.pass_over();
  }

  const auto finding = guard.judge(kNan, 1);
  EXPECT_EQ(finding->action, GuardAction::stop);
  EXPECT_THAT(finding->what, HasSubstr("after 10 steps in a row that were passed over"));
  EXPECT_EQ(guard.judge(2, 50)->action, GuardAction::warn) << "a warning passes over nothing";

  guard.accept(2, 1);
  EXPECT_EQ(guard.judge(kNan, 1)->action, GuardAction::skip) << "one good step, and they are no row any more";
}

}  // namespace
}  // namespace pst::train
