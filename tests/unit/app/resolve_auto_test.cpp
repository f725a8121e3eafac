// SPDX-License-Identifier: Apache-2.0
#include "app/resolve_auto.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "app/this_machine.hpp"
#include "comm/local_communicator.hpp"
#include "support/environment.hpp"
#include "support/tiny_spec.hpp"

namespace pst::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Resolve : public testing::Test {
 protected:
  Resolve() { recipe_.train.threads = 1; }

  Resolved resolved(int ranks_here = 1, const std::optional<ops::Gpu>& gpu = {}) {
    return resolve(recipe_, model_, *solo_, ranks_here, {.gpu = gpu, .reason = "told"});
  }
  static Decision decision(const Resolved& resolved, const std::string& key) {
    const auto found = std::find_if(resolved.decisions.begin(), resolved.decisions.end(),
                                    [&](const Decision& decision) { return decision.key == key; });
    return found == resolved.decisions.end() ? Decision{} : *found;
  }
  static ops::Gpu gpu_with(std::int64_t memory_bytes) {
    ops::Gpu gpu{at::Device(at::kCUDA, 1), {.major = 9, .minor = 0, .memory_bytes = memory_bytes}};
    std::strcpy(gpu.facts.name, "H200");
    return gpu;
  }
  /// More than any machine has room for.
  void ask_for_endless_rows() {
    recipe_.data.max_length = 1 << 20;
    recipe_.train.micro_batch_size = 1 << 12;
  }

  recipe::Recipe recipe_;
  families::ModelSpec model_ = fixture::tiny_spec();
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
  fixture::Variable of_task_{"SLURM_CPUS_PER_TASK", {}}, of_node_{"SLURM_CPUS_ON_NODE", {}};
};

TEST_F(Resolve, TellsEveryDecisionWithItsReason) {
  std::vector<std::string> keys;
  for (const auto& [key, value, reason] : resolved().decisions) {
    keys.push_back(key);
    EXPECT_FALSE(value.empty() || reason.empty()) << key;
  }
  EXPECT_THAT(keys, ElementsAre("train.device", "train.precision", "train.threads", "parallel.strategy",
                                "train.gradient_checkpointing"));
}

TEST_F(Resolve, TrainsOnTheCpuWhereNoGpuWasTaken) {
  EXPECT_TRUE(resolved().device.is_cpu());
  EXPECT_EQ(decision(resolved(), "train.device").value, "cpu");
  EXPECT_EQ(decision(resolved(), "train.device").reason, "told");
}

TEST_F(Resolve, AGpuSettlesDevicePrecisionAndStrategy) {
  const Resolved on_gpu = resolved(1, gpu_with(std::int64_t{80} << 30));

  EXPECT_EQ(on_gpu.device, at::Device(at::kCUDA, 1));
  EXPECT_THAT(decision(on_gpu, "train.device").reason, HasSubstr("told: H200, 80.0 GiB, compute capability 9.0"));
  EXPECT_TRUE(on_gpu.bf16);
  EXPECT_EQ(decision(on_gpu, "train.precision").reason, "the GPU multiplies bf16 natively");
  EXPECT_EQ(on_gpu.strategy, recipe::Strategy::replicate);
  EXPECT_THAT(decision(on_gpu, "parallel.strategy").reason, HasSubstr("a whole copy takes"));
}

TEST_F(Resolve, TakesThePrecisionThatIsGivenOrThatTheCpuIsFastAt) {
  EXPECT_EQ(resolved().bf16, has_fast_bf16());
  EXPECT_EQ(decision(resolved(), "train.precision").value, has_fast_bf16() ? "bf16" : "fp32");

  for (const auto& [precision, word] :
       {std::pair{recipe::Precision::fp32, "fp32"}, {recipe::Precision::bf16, "bf16"}}) {
    recipe_.train.precision = precision;
    EXPECT_EQ(resolved().bf16, precision == recipe::Precision::bf16);
    EXPECT_EQ(decision(resolved(), "train.precision").value, word);
    EXPECT_EQ(decision(resolved(), "train.precision").reason, "given");
  }
}

TEST_F(Resolve, RecomputesWhereActivationsWouldNotFit) {
  EXPECT_EQ(resolved().recompute, nn::Recompute::nothing);
  EXPECT_THAT(decision(resolved(), "train.gradient_checkpointing").reason, HasSubstr("a micro batch of 4096 tokens"));
  EXPECT_EQ(resolved(1, gpu_with(1 << 20)).recompute, nn::Recompute::layers) << "the GPU's memory counts";

  ask_for_endless_rows();
  EXPECT_EQ(resolved().recompute, nn::Recompute::layers);
  EXPECT_EQ(decision(resolved(), "train.gradient_checkpointing").value, "true");

  recipe_.train.gradient_checkpointing = recipe::Switch::off;
  EXPECT_EQ(resolved().recompute, nn::Recompute::nothing);
  EXPECT_EQ(decision(resolved(), "train.gradient_checkpointing").reason, "given");
}

TEST_F(Resolve, RecomputesWhereTheRecipeSaysSo) {
  recipe_.train.gradient_checkpointing = recipe::Switch::on;

  EXPECT_EQ(resolved().recompute, nn::Recompute::layers);
  EXPECT_EQ(decision(resolved(), "train.gradient_checkpointing").value, "true");
}

TEST_F(Resolve, GivenThreadsCountMoreThanSlurms) {
  const fixture::Variable task("SLURM_CPUS_PER_TASK", "6");
  recipe_.train.threads = 3;

  EXPECT_EQ(resolved().threads, 3);
  EXPECT_EQ(decision(resolved(), "train.threads").reason, "given");
}

TEST_F(Resolve, ThreadsAreTheCoresSharedOutWhereNobodySays) {
  recipe_.train.threads.reset();

  EXPECT_EQ(resolved(1).threads, usable_cores());
  EXPECT_EQ(resolved(1 << 20).threads, 1) << "a rank has at least one";
  EXPECT_THAT(decision(resolved(3), "train.threads").reason, HasSubstr("for 3 ranks"));
}

TEST_F(Resolve, ThreadsAreWhatSlurmGave) {
  recipe_.train.threads.reset();
  {
    const fixture::Variable node("SLURM_CPUS_ON_NODE", "12");
    EXPECT_EQ(resolved(4).threads, 3);
    EXPECT_EQ(resolved(20).threads, 1) << "more ranks than CPUs";
    EXPECT_THAT(decision(resolved(4), "train.threads").reason, HasSubstr("SLURM_CPUS_ON_NODE"));

    const fixture::Variable task("SLURM_CPUS_PER_TASK", "6");
    EXPECT_EQ(resolved(4).threads, 6) << "what each rank has, whatever the node has";
    EXPECT_THAT(decision(resolved(4), "train.threads").reason, HasSubstr("SLURM_CPUS_PER_TASK"));
  }
  const fixture::Variable many("SLURM_CPUS_PER_TASK", "100000");
  EXPECT_EQ(resolved().threads, 256);
}

TEST_F(Resolve, WordsThatAreNoNumberOfCpusArePassedOver) {
  recipe_.train.threads.reset();
  const fixture::Variable node("SLURM_CPUS_ON_NODE", "8");
  for (const char* const word : {"", "0", "-2", "2(x2)", "many"}) {
    const fixture::Variable task("SLURM_CPUS_PER_TASK", word);
    EXPECT_EQ(resolved(2).threads, 4) << word;
  }
}

TEST_F(Resolve, AStrategyThatIsGivenIsTaken) {
  for (const auto& [strategy, word] : {std::pair{recipe::Strategy::replicate, "replicate"},
                                       {recipe::Strategy::shard, "shard"},
                                       {recipe::Strategy::hybrid, "hybrid"}}) {
    recipe_.parallel.strategy = strategy;
    EXPECT_EQ(resolved().strategy, strategy);
    EXPECT_EQ(decision(resolved(), "parallel.strategy").value, word);
    EXPECT_EQ(decision(resolved(), "parallel.strategy").reason, "given");
  }
}

TEST_F(Resolve, ABaseThatFitsNowhereGoesInShares) {
  EXPECT_EQ(resolved().strategy, recipe::Strategy::replicate);

  model_ =
      fixture::tiny_spec({.hidden = 1 << 20, .layers = 64, .heads = 8192, .intermediate = 1 << 20});  // hundreds of TiB
  comm::run_ranks(2, [&](comm::Communicator& group) {
    const Resolved huge = resolve(recipe_, model_, group, 2, {});
    EXPECT_EQ(huge.strategy, recipe::Strategy::shard);
    EXPECT_EQ(decision(huge, "parallel.strategy").value, "shard");
  });
}

TEST_F(Resolve, RankZeroDecidesForAll) {
  comm::run_ranks(3, [&](comm::Communicator& group) {
    recipe::Recipe mine;
    if (group.rank() == 0) {
      mine.train.precision = recipe::Precision::bf16;
      mine.train.gradient_checkpointing = recipe::Switch::on;
      mine.train.threads = 5;
      mine.parallel.strategy = recipe::Strategy::hybrid;
    } else {
      mine.train.precision = recipe::Precision::fp32;
      mine.train.gradient_checkpointing = recipe::Switch::off;
      mine.train.threads = 2;
      mine.parallel.strategy = recipe::Strategy::shard;
    }

    const Resolved agreed = resolve(mine, model_, group, 3, {});

    EXPECT_TRUE(agreed.bf16);
    EXPECT_EQ(agreed.recompute, nn::Recompute::layers);
    EXPECT_EQ(agreed.threads, 5);
    EXPECT_EQ(agreed.strategy, recipe::Strategy::hybrid);
  });
}

TEST_F(Resolve, WhatWasChosenIsAmongTheKeysThatAlterTheResult) {
  Resolved resolved;
  EXPECT_EQ(keys_that_alter(recipe_, resolved).at("train.precision"), "fp32");
  EXPECT_NE(keys_that_alter(recipe_, resolved)["train.device"], "cuda");

  resolved.bf16 = true;
  resolved.device = at::Device(at::kCUDA, 0);

  EXPECT_EQ(keys_that_alter(recipe_, resolved).at("train.precision"), "bf16");
  EXPECT_EQ(keys_that_alter(recipe_, resolved).at("train.device"), "cuda");
}

}  // namespace
}  // namespace pst::app
