// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.hpp"

#include <csignal>

#include "config/one_of.hpp"
#include "data/order.hpp"
#include "data/row_totals.hpp"
#include "optim/schedule.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"
#include "train/micro_batch.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::bitwise_equal;
using fixture::TinyTraining;
using fixture::TrainingOptions;
using testing::ElementsAre;
using testing::HasSubstr;

/// What a training came to; the same on every rank.
struct Outcome {
  at::Tensor adapter;
  std::vector<double> losses, grad_norms, evaluations;
  TrainState state;
};

class Trainer : public testing::Test {
 protected:
  explicit Trainer(const fixture::TinyModel& model = {.vocab = 300}) : folder_(model) {}
  using Prepare = std::function<void(TinyTraining&, int rank)>;

  /// Trains on that many ranks, which have to agree bit for bit.
  Outcome train(int ranks, const TrainingOptions& options, const Prepare& prepare = {}) const {
    std::vector<Outcome> outcomes(static_cast<std::size_t>(ranks));
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      TinyTraining training(group, folder_, options);
      if (prepare) prepare(training, group.rank());
      Outcome& outcome = outcomes[static_cast<std::size_t>(group.rank())];
      outcome.state = training.fit();
      outcome.adapter = training.values();
      for (const auto& step : training.steps) {
        outcome.losses.push_back(step.loss);
        outcome.grad_norms.push_back(step.grad_norm);
      }
      for (const auto& eval : training.evals) outcome.evaluations.push_back(eval.loss);
    });
    for (const auto& other : outcomes) expect_same(other, outcomes.front());
    return outcomes.front();
  }
  static void expect_same(const Outcome& outcome, const Outcome& expected) {
    EXPECT_THAT(outcome.adapter, bitwise_equal(expected.adapter));
    EXPECT_EQ(outcome.losses, expected.losses);
    EXPECT_EQ(outcome.grad_norms, expected.grad_norms);
    EXPECT_EQ(outcome.evaluations, expected.evaluations);
    expect_same(outcome.state, expected.state);
  }
  static void expect_same(const TrainState& state, const TrainState& expected) {
    EXPECT_EQ(state.step, expected.step);
    EXPECT_EQ(state.updates, expected.updates);
    EXPECT_EQ(state.tokens, expected.tokens);
    EXPECT_EQ(state.last_loss, expected.last_loss);
    EXPECT_EQ(state.validation_before, expected.validation_before);
    EXPECT_EQ(state.validation_after, expected.validation_after);
    EXPECT_EQ(state.validation_best, expected.validation_best);
    EXPECT_EQ(state.evaluated_at, expected.evaluated_at);
    EXPECT_EQ(state.guard.losses, expected.guard.losses);
    EXPECT_EQ(state.guard.norm_average, expected.guard.norm_average);
    EXPECT_EQ(state.guard.accepted, expected.guard.accepted);
    EXPECT_EQ(state.guard.passed_over, expected.guard.passed_over);
  }

  fixture::TrainingFolder folder_;
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
};

TEST_F(Trainer, LearnsAndTellsInOrder) {
  TrainingOptions options;
  options.settings.train.max_steps = 30;
  options.settings.evaluate.every_steps = 20;
  TinyTraining training(*solo_, folder_, options);

  const TrainState state = training.fit();

  ASSERT_EQ(training.evals.size(), 3u);
  EXPECT_LT(training.evals.back().loss, training.evals.front().loss - 0.05);
  EXPECT_EQ(training.told.front(), "evaluation after 0");
  EXPECT_EQ(training.told[21], "evaluation after 20");
  EXPECT_EQ(training.told.back(), "evaluation after 30");
  EXPECT_EQ(state.validation_before, training.evals.front().loss);
  EXPECT_EQ(state.validation_after, training.evals.back().loss);
  EXPECT_EQ(state.evaluated_at, 30);
  EXPECT_EQ(state.updates, 30);
  EXPECT_EQ(state.last_loss, training.steps.back().loss);
}

TEST_F(Trainer, AStepsRecordSaysWhatItWas) {
  TinyTraining training(*solo_, folder_, {});
  const data::PreparedSet documents = folder_.split("train");
  const data::DataOrder order(documents, {.max_length = 32, .global_batch_size = 4, .seed = 7});

  const TrainState state = training.fit();

  ASSERT_EQ(training.steps.size(), 6u);
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    SCOPED_TRACE(i);
    const StepRecord& step = training.steps[i];
    const auto& rows = order.rows_of_step(static_cast<std::int64_t>(i));
    const data::RowTotals totals = data::totals_of(documents, rows);
    EXPECT_EQ(step.step, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(step.total_steps, 6);
    EXPECT_EQ(step.rows, static_cast<std::int64_t>(rows.size()));
    EXPECT_EQ(step.tokens, totals.tokens);
    EXPECT_EQ(step.labelled_tokens, totals.labelled);
    EXPECT_EQ(step.attention_pairs, totals.attention_pairs);
    EXPECT_EQ(step.lr, optim::learning_rate(training.settings().scheduler, 1e-2, static_cast<std::int64_t>(i), 6));
    EXPECT_FALSE(step.skipped);
    EXPECT_GT(step.forward_s, 0);
    EXPECT_NEAR(step.step_s,
                step.data_s + step.forward_s + step.backward_s + step.waiting_s + step.transfer_s + step.optimizer_s +
                    step.checkpoint_s + step.other_s,
                1e-9);
    tokens += totals.tokens;
  }
  EXPECT_EQ(state.tokens, tokens);
}

/// Told how often a step's span was left.
class Steps final : public trace::Sink {
 public:
  void entered(const trace::Label&) noexcept override {}
  void left(const trace::Span& span) noexcept override { steps += span.label.kind == trace::Kind::step; }
  int steps = 0;
};

TEST_F(Trainer, AsksBeforeEveryStepWhomToTellItsSpans) {
  Steps listener;
  TinyTraining training(*solo_, folder_, {});
  training.after_step = [&](TinyTraining& self, std::int64_t step) { self.sink = step == 3 ? &listener : nullptr; };

  training.fit();

  EXPECT_THAT(training.traced, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(listener.steps, 1) << "step 4";
}

// One rank is the reference: what it does in a row, the others do at the same time.
TEST_F(Trainer, SameBitsOnAnyNumberOfRanks) {
  const Outcome expected = train(1, {});
  ASSERT_EQ(expected.losses.size(), 6u);
  EXPECT_GT(expected.grad_norms.front(), 0);

  for (const int ranks : {2, 3, 4}) {
    SCOPED_TRACE(ranks);
    expect_same(train(ranks, {}), expected);
  }
}

TEST_F(Trainer, SameBitsWithTheOptimizerInShares) {
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    SCOPED_TRACE(c10::toString(compute));
    const Outcome expected = train(1, {.compute = compute});
    for (const int ranks : {2, 3})
      expect_same(train(ranks, {.compute = compute, .optimizer_in_shares = true}), expected);
  }
}

TEST_F(Trainer, SameBitsWithFrozenWeightsInShares) {
  const Outcome expected = train(1, {});
  for (const int ranks : {2, 3}) expect_same(train(ranks, {.weights_in_shares = true}), expected);
}

TEST_F(Trainer, RecomputationChangesNoBit) {
  TrainingOptions again;
  again.settings.recompute = nn::Recompute::layers;

  expect_same(train(2, again), train(2, {}));
}

// 5 rows in steps of 4: the second has one micro batch, the others are missing. The rate is 0, so the model stays.
TEST_F(Trainer, MissingMicroBatchesOfAnEpochsLastStepCountAsNothing) {
  folder_.documents({9, 4, 20, 7, 13}, {});
  TrainingOptions options{.dropout = 0};
  options.settings.packing = false;
  options.settings.train.max_steps = 2;
  options.settings.optimizer.lr = 0;
  options.settings.optimizer.weight_decay = 0;
  const data::PreparedSet documents = folder_.split("train");
  const data::DataOrder order(documents, {false, true, 32, 4, 7});
  ASSERT_EQ(order.rows_of_step(1).size(), 1u);
  TinyTraining still(*solo_, folder_, options);
  std::vector<double> expected;
  for (const std::int64_t step : {0, 1}) {
    const auto& rows = order.rows_of_step(step);
    const auto batch = micro_batch(documents, rows, 0, 4, 300, at::kCPU);
    expected.push_back(still.goal().value({still.model(), {}, nn::Recompute::nothing}, *batch) /
                       static_cast<double>(data::totals_of(documents, rows).labelled));
  }

  const Outcome alone = train(1, options);

  EXPECT_NEAR(alone.losses[0], expected[0], 1e-6 * expected[0]);
  EXPECT_NEAR(alone.losses[1], expected[1], 1e-6 * expected[1]);
  for (const bool shares : {false, true})
    for (const int ranks : {2, 3, 4}) {
      options.weights_in_shares = shares;
      expect_same(train(ranks, options), alone);
    }
}

TEST_F(Trainer, MicroBatchesOfAnySizeAddUpToTheSameGradient) {
  TrainingOptions one{.dropout = 0}, three{.dropout = 0};
  one.settings.train.max_steps = three.settings.train.max_steps = 1;
  three.settings.train.micro_batch_size = 3;  // 4 rows: of 3 and of 1

  const Outcome by_one = train(1, one), by_three = train(2, three);

  EXPECT_NEAR(by_three.losses[0], by_one.losses[0], 1e-6 * by_one.losses[0]);
  EXPECT_NEAR(by_three.grad_norms[0], by_one.grad_norms[0], 1e-5 * by_one.grad_norms[0]);
}

TEST_F(Trainer, EndsWithTheEpochsWhereNothingElseIsSaid) {
  folder_.documents({9, 4, 20, 7, 13}, {});
  TrainingOptions options;
  options.settings.packing = false;
  options.settings.train.max_steps.reset();
  options.settings.train.epochs = 1.5;  // of 2 steps each

  EXPECT_EQ(train(1, options).state.step, 3);
}

// exp_avg is (1 - beta1) times the gradient as it was clipped, after the first update.
TEST_F(Trainer, ClipsTheGradientByItsNorm) {
  TrainingOptions free, clipped;
  free.settings.train.max_steps = clipped.settings.train.max_steps = 1;
  free.settings.train.max_grad_norm = 0;
  TinyTraining whole(*solo_, folder_, free);
  whole.fit();
  const double norm = whole.steps[0].grad_norm;
  clipped.settings.train.max_grad_norm = norm / 4;
  TinyTraining cut(*solo_, folder_, clipped);

  cut.fit();

  EXPECT_EQ(cut.steps[0].grad_norm, norm) << "the norm before clipping is what is recorded";
  const auto expected = whole.arrays("optimizer/exp_avg/"), actual = cut.arrays("optimizer/exp_avg/");
  double largest = 0;
  for (const auto& [name, values] : expected)
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_NEAR(actual.at(name)[i], 0.25 * static_cast<double>(values[i]), 1e-7) << name;
      largest = std::max(largest, std::abs(static_cast<double>(values[i])));
    }
  EXPECT_GT(largest, 1e-4) << "0 would be a quarter of 0";
}

TEST_F(Trainer, AGradientBelowTheLimitIsLeftAlone) {
  TrainingOptions free, far;
  free.settings.train.max_grad_norm = 0;
  far.settings.train.max_grad_norm = 1e6;

  expect_same(train(1, far), train(1, free));
}

// Stopped in step 3 by a signal that one rank got, and resumed by another number of ranks.
TEST_F(Trainer, CutAndResumedIsUncut) {
  const TrainingOptions saving{.saving = {.every_steps = 100}};
  const Outcome expected = train(1, {});

  for (const auto& [before, after] : {std::pair{1, 1}, {2, 3}, {3, 1}}) {
    SCOPED_TRACE(std::to_string(before) + " ranks, then " + std::to_string(after));
    std::filesystem::remove_all(folder_.dir / "checkpoints");
    comm::run_ranks(before, [&](comm::Communicator& group) {
      TinyTraining cut(group, folder_, saving);
      cut.after_step = [&](TinyTraining& self, std::int64_t step) {
        if (step == 3 && group.rank() == group.size() - 1) self.stop_signal = SIGTERM;
      };
      EXPECT_THAT(fixture::error_of(Fault::stopped, [&] { cut.fit(); }), HasSubstr("after step 3, which is saved"));
    });
    comm::run_ranks(after, [&](comm::Communicator& group) {
      TinyTraining resumed(group, folder_, saving);
      const TrainState from = resumed.restore();
      EXPECT_EQ(from.step, 3);
      const TrainState state = resumed.fit(from);
      EXPECT_THAT(resumed.values(), bitwise_equal(expected.adapter));
      expect_same(state, expected.state);
      EXPECT_EQ(resumed.told.front(), "step 4") << "what was evaluated before the cut is not evaluated again";
      EXPECT_EQ(resumed.steps.front().loss, expected.losses[3]);
    });
  }
}

TEST_F(Trainer, CutAndResumedIsUncutWithTheOptimizerInShares) {
  const TrainingOptions options{.saving = {.every_steps = 100}, .compute = at::kBFloat16, .optimizer_in_shares = true};
  const Outcome expected = train(1, {.compute = at::kBFloat16});
  comm::run_ranks(3, [&](comm::Communicator& group) {
    TinyTraining cut(group, folder_, options);
    cut.after_step = [](TinyTraining& self, std::int64_t step) { self.stop_signal = step == 3 ? SIGTERM : 0; };
    fixture::error_of(Fault::stopped, [&] { cut.fit(); });
  });

  comm::run_ranks(2, [&](comm::Communicator& group) {
    TinyTraining resumed(group, folder_, options);
    resumed.fit(resumed.restore());
    EXPECT_THAT(resumed.values(), bitwise_equal(expected.adapter));
  });
}

/// With tensors of 32 x 128 values and more: AdamW of 8 bits has codes for them.
class WideTrainer : public Trainer {
 protected:
  WideTrainer() : Trainer({.hidden = 128, .intermediate = 256, .vocab = 300}) {}
};

TEST_F(WideTrainer, EveryOptimizerIsResumedFromSharesBitForBit) {
  recipe::OptimizerRule rule;
  config::for_each_kind(rule, [&](const std::string& name) {
    SCOPED_TRACE(name);
    TrainingOptions options{.saving = {.every_steps = 100}, .adapter = fixture::lora({.r = 32})};
    options.settings.optimizer.rule = rule;
    options.settings.optimizer.lr = 1e-3;
    const Outcome expected = train(1, options);
    std::filesystem::remove_all(folder_.dir / "checkpoints");
    options.optimizer_in_shares = true;
    comm::run_ranks(3, [&](comm::Communicator& group) {
      TinyTraining cut(group, folder_, options);
      cut.after_step = [](TinyTraining& self, std::int64_t step) { self.stop_signal = step == 3 ? SIGTERM : 0; };
      fixture::error_of(Fault::stopped, [&] { cut.fit(); });
    });

    comm::run_ranks(2, [&](comm::Communicator& group) {
      TinyTraining resumed(group, folder_, options);
      expect_same(resumed.fit(resumed.restore()), expected.state);
      EXPECT_THAT(resumed.values(), bitwise_equal(expected.adapter));
    });
    std::filesystem::remove_all(folder_.dir / "checkpoints");
  });
}

}  // namespace
}  // namespace pst::train
