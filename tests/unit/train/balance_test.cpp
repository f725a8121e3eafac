// SPDX-License-Identifier: Apache-2.0
// The loss that balances experts, in a training.
#include "support/tensors.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::TinyTraining;
using fixture::TrainingOptions;

const fixture::TinyModel kMixture{
    .model_type = "qwen3_moe",
    .vocab = 300,
    .config = R"({"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 24, "head_dim": null})"};

std::vector<StepRecord> train(const TrainingOptions& options) {
  const fixture::TrainingFolder folder(kMixture);
  std::vector<StepRecord> steps;
  comm::run_ranks(1, [&](comm::Communicator& group) {
    TinyTraining training(group, folder, options);
    training.fit();
    steps = training.steps;
  });
  return steps;
}

TEST(BalanceOfExperts, IsRecordedOnlyWhereItIsLearned) {
  TrainingOptions options;
  options.settings.train.max_steps = 1;
  const auto without = train(options);
  options.settings.balance = 0.1;
  const auto with = train(options);
  EXPECT_FALSE(without.front().balance_loss);
  ASSERT_TRUE(with.front().balance_loss);
  EXPECT_EQ(with.front().loss, without.front().loss) << "the loss of the labels is told apart";
  EXPECT_NE(with.front().grad_norm, without.front().grad_norm);
  EXPECT_GE(*with.front().balance_loss, 1.9) << "2 is where all experts are chosen equally often";
}

TEST(BalanceOfExperts, GetsBetterWhereItIsLearned) {
  TrainingOptions options;
  options.settings.train.max_steps = 12;
  options.settings.evaluate.every_steps.reset();
  options.settings.balance = 1e-9;
  const double unheeded = *train(options).back().balance_loss;
  options.settings.balance = 10;
  EXPECT_LT(*train(options).back().balance_loss, unheeded - 0.01);
}

/// The gradient of a step is that of the mean over its micro batches, whatever their number in a step.
TEST(BalanceOfExperts, IsTheMeanOfMicroBatches) {
  TrainingOptions options;
  options.settings.train.max_steps = 1;
  options.settings.shuffle = false;
  options.settings.balance = 0.5;
  options.settings.train.global_batch_size = 1;
  options.dropout = 0;
  double sum = 0;
  options.settings.train.max_steps = 4;
  options.settings.optimizer.lr = 0;  // all four see the first values
  for (const StepRecord& step : train(options)) sum += *step.balance_loss;
  options.settings.train.max_steps = 1;
  options.settings.train.global_batch_size = 4;
  EXPECT_NEAR(*train(options).front().balance_loss, sum / 4, 1e-12);
}

}  // namespace
}  // namespace pst::train
