// SPDX-License-Identifier: Apache-2.0
#include "app/out_of_memory.hpp"

#include <gmock/gmock.h>

#include "comm/local_communicator.hpp"
#include "support/errors.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

using testing::HasSubstr;
using testing::Not;

class RanOut : public testing::Test {
 protected:
  Error told(const std::string& recipe, const Resolved& resolved, int ranks = 1) {
    tiny_.emplace(recipe);
    run_.emplace(read_run(tiny_->folder(), 1, *solo_));
    OutOfMemory error("CUDA out of memory. Tried to allocate 2.00 GiB");
    error.add_context("training");
    return after_running_out(error, *run_, resolved, ranks);
  }
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
  std::optional<fixture::TinyRun> tiny_;
  std::optional<app::Run> run_;
};

TEST_F(RanOut, WithCheckpointingLeftToUsTheNextAttemptHasIt) {
  const Error error = told("train: {max_steps: 6, global_batch_size: 4, micro_batch_size: 1}\n", {});

  EXPECT_EQ(error.fault(), Fault::transient);
  EXPECT_THAT(error.what(), HasSubstr("the next attempt has train.gradient_checkpointing on\n  while training"));
  ASSERT_EQ(attempt_that_ran_out(run_->dir), 1);
  const Resolved next = resolve(run_->recipe, run_->model, *solo_, 1, {}, attempt_that_ran_out(run_->dir));
  EXPECT_EQ(next.recompute, nn::Recompute::layers);
}

TEST_F(RanOut, WithNothingLeftToUsItSaysWhichKeysHelp) {
  const Error error =
      told("train: {max_steps: 6, global_batch_size: 4, micro_batch_size: 2, gradient_checkpointing: false}\n", {}, 2);

  EXPECT_EQ(error.fault(), Fault::usage) << "repeating it changes nothing";
  EXPECT_THAT(error.remedy(), HasSubstr("train.gradient_checkpointing: true (the same bits"));
  EXPECT_THAT(error.remedy(), HasSubstr("parallel.strategy: shard"));
  EXPECT_THAT(error.remedy(), HasSubstr("a smaller train.micro_batch_size"));
  EXPECT_EQ(attempt_that_ran_out(run_->dir), std::nullopt);
}

TEST_F(RanOut, WhatIsOnAlreadyIsNotOffered) {
  const Error error =
      told("train: {max_steps: 6, global_batch_size: 4, micro_batch_size: 1}\n", {.recompute = nn::Recompute::layers});

  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.remedy(), Not(HasSubstr("gradient_checkpointing")));
  EXPECT_THAT(error.remedy(), Not(HasSubstr("micro_batch_size")));
}

}  // namespace
}  // namespace pst::app
