// SPDX-License-Identifier: Apache-2.0
#include "app/saving.hpp"

#include <gmock/gmock.h>

#include <chrono>

#include "core/file.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

TEST(Saving, ThePolicyIsTheRecipes) {
  recipe::Recipe recipe;
  recipe.checkpoint = {.every_steps = 7,
                       .every_minutes = 2.5,
                       .keep = 3,
                       .keep_best = false,
                       .milestone_steps = 40,
                       .max_loss_minutes = 10};

  const train::SavePolicy policy = save_policy(recipe, 1234);

  EXPECT_FALSE(policy.never);
  EXPECT_EQ(policy.every_steps, 7);
  EXPECT_EQ(policy.every_s, 150);
  EXPECT_EQ(policy.mtbf_s, 1234);
  EXPECT_FALSE(policy.when_best);
  EXPECT_EQ(policy.milestone_every, 40);
  EXPECT_EQ(policy.give_up_s, 600);
  EXPECT_EQ(policy.keep.newest, 3);
  EXPECT_FALSE(policy.keep.best);
}

TEST(Saving, WhatTheRecipeLeavesOpenStaysOpen) {
  const train::SavePolicy policy = save_policy({}, 1);

  EXPECT_FALSE(policy.every_steps);
  EXPECT_FALSE(policy.every_s);
  EXPECT_EQ(policy.milestone_every, 0);
  EXPECT_EQ(policy.give_up_s, 0);
  EXPECT_TRUE(policy.when_best);
  EXPECT_TRUE(policy.keep.best);
}

TEST(Saving, CanBeSwitchedOff) {
  recipe::Recipe recipe;
  recipe.checkpoint.enabled = false;
  EXPECT_TRUE(save_policy(recipe, 1).never);
}

TEST(Saving, TheBestCheckpointStaysWhereTheRunResultsInIt) {
  recipe::Recipe recipe;
  recipe.checkpoint.keep_best = false;
  recipe.train.early_stopping.patience = 3;

  const train::SavePolicy policy = save_policy(recipe, 1);

  EXPECT_TRUE(policy.when_best);
  EXPECT_TRUE(policy.keep.best);
}

class MeanTimeBetweenFailures : public testing::Test {
 protected:
  /// The first attempt began so many seconds ago.
  void first_attempt(int seconds_ago) const {
    make_directories(run_.attempt(1));
    write_durably(run_.attempt(1) / "attempt.json", "{}");
    fs::last_write_time(run_.attempt(1) / "attempt.json",
                        fs::file_time_type::clock::now() - std::chrono::seconds(seconds_ago));
  }
  static constexpr double kNode = 1000 * 3600.0;

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_ = fixture::new_run(dir_.path(), "a");
};

TEST_F(MeanTimeBetweenFailures, IsAThousandHoursANodeAtFirst) {
  first_attempt(10);

  EXPECT_EQ(mean_time_between_failures(run_, 1, 1), kNode);
  EXPECT_EQ(mean_time_between_failures(run_, 1, 50), kNode / 50);
  EXPECT_EQ(mean_time_between_failures(run_, 1, 0), kNode);
}

TEST_F(MeanTimeBetweenFailures, IsWhatTheRunHasSeenWhereThatIsWorse) {
  first_attempt(900);

  EXPECT_NEAR(mean_time_between_failures(run_, 4, 2), 4500 / 4, 5) << "three failures in 900 s, one in an hour assumed";
}

TEST_F(MeanTimeBetweenFailures, IsNeverBetterThanUsual) {
  first_attempt(8'000'000);
  EXPECT_EQ(mean_time_between_failures(run_, 2, 1), kNode);
}

TEST_F(MeanTimeBetweenFailures, IsTheUsualOneWhenTheFirstAttemptsRecordIsLost) {
  EXPECT_EQ(mean_time_between_failures(run_, 3, 4), kNode / 4);
}

}  // namespace
}  // namespace pst::app
