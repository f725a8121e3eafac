// SPDX-License-Identifier: Apache-2.0
#include "plan/alternatives.hpp"

#include <gtest/gtest.h>

#include "plan/plan_report.hpp"
#include "unit/plan/models.hpp"

namespace {

using namespace pst;

TEST(Alternatives, AreRankedByTimeAmongThoseThatFit) {
  const auto in = fixture::inputs(fixture::llama3_8b(), "a100-40", 100, 32, 2048);
  std::vector<plan::Decision> decisions;

  const auto all = plan::alternatives(in, plan::choice_of(in, decisions), {1, 2, 4});

  ASSERT_GT(all.size(), 10u);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const auto &a = all[i - 1].prediction, &b = all[i].prediction;
    EXPECT_GE(a.fits, b.fits);
    if (a.fits == b.fits) {
      EXPECT_LE(a.expected_s, b.expected_s);
    }
  }
  EXPECT_EQ(std::count_if(all.begin(), all.end(), [](const auto& a) { return a.changes.empty(); }), 1);
}

TEST(Alternatives, ShareEveryStepEqually) {
  const auto in = fixture::inputs(fixture::smollm2_135m(), "h100", 10, 12, 512);
  std::vector<plan::Decision> decisions;

  for (const auto& other : plan::alternatives(in, plan::choice_of(in, decisions), {1, 2, 3, 5, 8})) {
    const auto& c = other.prediction.choice;
    EXPECT_EQ(12 % c.micro_batch, 0);
    EXPECT_EQ(12 / c.micro_batch % c.ranks(), 0);
  }
}

TEST(Alternatives, TheSmallestChangeIsOneKeyWhenOneIsEnough) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 100, 32, 4096);
  in.recipe.train.micro_batch_size = 16;
  in.recipe.train.gradient_checkpointing = recipe::Switch::off;

  const auto report = plan::make_report(in, {});

  EXPECT_FALSE(report.chosen.fits);
  ASSERT_TRUE(report.smallest_change);
  EXPECT_EQ(report.smallest_change->changes.size(), 1u);
  EXPECT_TRUE(report.smallest_change->prediction.fits);
  EXPECT_NE(plan::to_text(report).find("smallest change that fits: --set "), std::string::npos);
}

TEST(Alternatives, TheOptimizerGoesIntoSharesBeforeAnythingBecomesSlower) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 100, 32, 1024);
  in.recipe.adapter.as<methods::Lora>().r = 512;
  in.recipe.slurm.nodes = 4;
  in.recipe.slurm.ranks_per_node = 1;
  in.recipe.train.gradient_checkpointing = recipe::Switch::off;
  std::vector<plan::Decision> decisions;
  plan::Choice choice = plan::choice_of(in, decisions);
  const double whole = plan::predict(in, choice).memory.peak();
  choice.optimizer_in_shares = true;
  const double in_shares = plan::predict(in, choice).memory.peak();
  const double fourth_of_state = 3 * 4 * 32 * 41.94e6 / 4;  // masters and moments, f32
  EXPECT_NEAR(whole - in_shares, 3 * fourth_of_state, 0.01 * whole);

  in.machine.memory_bytes = static_cast<std::uint64_t>(1.3 * (whole + in_shares) / 2);
  const auto report = plan::make_report(in, {});

  EXPECT_FALSE(report.chosen.fits);
  ASSERT_TRUE(report.smallest_change);
  EXPECT_EQ(report.smallest_change->changes, std::vector<std::string>{"parallel.optimizer=shard"});
  EXPECT_TRUE(report.smallest_change->same_bits);
}

TEST(Alternatives, SharesAreTakenWhereAWholeCopyIsTooLarge) {
  auto in = fixture::inputs(fixture::llama3_8b(), "h100", 100, 64, 512);
  in.machine.is_gpu = false;  // its speed, as a node of CPUs
  in.machine.memory_bytes = 40'000'000'000;
  in.recipe.train.precision = recipe::Precision::fp32;
  in.recipe.slurm.nodes = 4;
  in.recipe.slurm.ranks_per_node = 1;
  std::vector<plan::Decision> decisions;

  const plan::Choice choice = plan::choice_of(in, decisions);

  EXPECT_EQ(choice.placement, plan::Placement::shard);
  EXPECT_TRUE(std::any_of(decisions.begin(), decisions.end(), [](const plan::Decision& decision) {
    return decision.key == "parallel.strategy" && decision.value == "shard";
  }));
  const auto all = plan::alternatives(in, choice, {4});
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const auto& a) {
    return a.prediction.choice.placement == plan::Placement::replicate && !a.prediction.fits;
  }));
  in.recipe.parallel.strategy = recipe::Strategy::replicate;
  EXPECT_EQ(plan::choice_of(in, decisions).placement, plan::Placement::replicate);

  // A slow link is waited for; a fast one is hidden behind the products.
  in.recipe.parallel.strategy = recipe::Strategy::shard;
  const auto step = [&](double bytes_per_s) {
    in.machine.between = plan::Link{1e-6, bytes_per_s, "test"};
    return plan::predict(in, choice).step.waiting;
  };
  EXPECT_GT(step(1e8), 1);
  EXPECT_LT(step(1e12), 0.01);
}

TEST(Alternatives, WhereNothingFitsTheRowsThatWouldAreNamed) {
  auto in = fixture::inputs(fixture::llama3_8b(), "a100-40", 10, 4, 4096);
  in.machine.memory_bytes = 25'000'000'000;

  const auto report = plan::make_report(in, {});

  EXPECT_FALSE(report.chosen.fits);
  EXPECT_FALSE(report.smallest_change);
  EXPECT_GT(report.longest_that_fits, 0);
  EXPECT_LT(report.longest_that_fits, 4096);

  in.machine.memory_bytes = 10'000'000'000;  // not even the weights
  EXPECT_EQ(plan::make_report(in, {}).longest_that_fits, 0);
}

TEST(Alternatives, PrecisionIsVariedOnlyWhenTheRecipeLeavesItOpen) {
  auto in = fixture::inputs(fixture::smollm2_135m(), "h100", 10, 4, 512);
  in.recipe.train.precision = recipe::Precision::bf16;
  std::vector<plan::Decision> decisions;

  for (const auto& other : plan::alternatives(in, plan::choice_of(in, decisions), {}))
    EXPECT_EQ(other.prediction.choice.dtype, plan::Dtype::bf16);
}

}  // namespace
