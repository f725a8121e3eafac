// SPDX-License-Identifier: Apache-2.0
#include "app/run.hpp"

#include <gmock/gmock.h>

#include "comm/local_communicator.hpp"
#include "support/errors.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

using testing::HasSubstr;

class ReadRun : public testing::Test {
 protected:
  fixture::TinyRun here_;
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
};

TEST_F(ReadRun, SaysWhatIsToBeDone) {
  here_.write_recipe("train: {max_steps: 5}\n");

  const app::Run run = read_run(here_.folder(), 3, *solo_);

  EXPECT_EQ(run.dir.root(), here_.folder());
  EXPECT_EQ(run.attempt, 3);
  EXPECT_EQ(run.recipe.train.max_steps, 5);
  EXPECT_EQ(run.record.recipe_digest, "r1");
  EXPECT_EQ(run.model.vocabulary, fixture::kTinyTokens);
  EXPECT_EQ(run.training.size(), 13u);
  ASSERT_TRUE(run.validation);
  EXPECT_EQ(run.validation->size(), 3u);
}

TEST_F(ReadRun, WithoutValidationThereIsNone) {
  std::filesystem::remove_all(here_.store());
  fixture::write_prepared_store(here_.store(), {{"train", {5, 6}}, {"validation", {}}}, 260);

  EXPECT_FALSE(read_run(here_.folder(), 1, *solo_).validation);
}

TEST_F(ReadRun, WhatIsDamagedIsRefusedByEveryRank) {
  std::filesystem::resize_file(here_.store() / "train.ids", 3);

  comm::run_ranks(2, [&](comm::Communicator& group) {
    const std::string report = fixture::error_of(Fault::data, [&] { read_run(here_.folder(), 1, group); });
    EXPECT_THAT(report, HasSubstr("train.ids"));
    EXPECT_THAT(report, HasSubstr("while reading the run"));
  });
}

TEST_F(ReadRun, RanksThatCannotShareAStepAreRefused) {
  here_.write_recipe("train: {global_batch_size: 8, micro_batch_size: 4}\n");

  comm::run_ranks(3, [&](comm::Communicator& group) {
    EXPECT_THAT(fixture::error_of(Fault::usage, [&] { read_run(here_.folder(), 1, group); }), HasSubstr("3 ranks"));
  });
}

}  // namespace
}  // namespace pst::app
