// SPDX-License-Identifier: Apache-2.0
// Whatever keeps a training from learning its data by heart gives the same bits however the run is spread, and wherever
// it was cut.
#include <csignal>

#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/tensors.hpp"
#include "train/evaluate.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::bitwise_equal;
using fixture::TinyTraining;
using fixture::TrainingOptions;

struct Regulariser {
  const char* name;
  void (*set)(Settings&);
};

struct Outcome {
  at::Tensor adapter;
  std::vector<double> losses, evaluations;
  std::int64_t steps = 0;
};

class EveryRegulariser : public testing::TestWithParam<Regulariser> {
 protected:
  static TrainingOptions with(const Regulariser& regulariser, at::ScalarType compute = at::kFloat) {
    TrainingOptions options{.compute = compute};
    regulariser.set(options.settings);
    return options;
  }
  static Outcome outcome_of(TinyTraining& training, const TrainState& state) {
    Outcome outcome{.adapter = training.values(), .losses = {}, .evaluations = {}, .steps = state.step};
    for (const auto& step : training.steps) outcome.losses.push_back(step.loss);
    for (const auto& eval : training.evals) outcome.evaluations.push_back(eval.loss);
    return outcome;
  }
  Outcome train(int ranks, const TrainingOptions& options) const {
    Outcome first;
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      TinyTraining training(group, folder_, options);
      const TrainState state = training.fit();
      const Outcome outcome = outcome_of(training, state);
      if (group.is_root()) first = outcome;
    });
    return first;
  }
  static void expect_same(const Outcome& outcome, const Outcome& expected) {
    EXPECT_THAT(outcome.adapter, bitwise_equal(expected.adapter));
    EXPECT_EQ(outcome.losses, expected.losses);
    EXPECT_EQ(outcome.evaluations, expected.evaluations);
    EXPECT_EQ(outcome.steps, expected.steps);
  }

  fixture::TrainingFolder folder_;
};

TEST_P(EveryRegulariser, SameBitsHoweverItIsSpread) {
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    const TrainingOptions options = with(GetParam(), compute);
    const Outcome expected = train(1, options);

    for (const int ranks : {2, 4})
      for (const bool shares : {false, true}) {
        SCOPED_TRACE(cat(c10::toString(compute), ", ", ranks, " ranks, ", shares ? "shares" : "copies"));
        TrainingOptions spread = options;
        spread.weights_in_shares = spread.optimizer_in_shares = shares;
        expect_same(train(ranks, spread), expected);
      }
    TrainingOptions again = options;
    again.settings.recompute = nn::Recompute::layers;
    expect_same(train(2, again), expected);

    TrainingOptions plain = options;
    plain.settings.train = fixture::small_settings().train;
    plain.settings.evaluate = fixture::small_settings().evaluate;
    EXPECT_GT(fixture::largest_difference(train(1, plain).adapter, expected.adapter), 0)
        << "it does nothing, so this test cannot fail";
  }
}

// Cut after each step in turn, and resumed by another number of ranks.
TEST_P(EveryRegulariser, CutAnywhereAndResumedIsUncut) {
  TrainingOptions options = with(GetParam());
  options.saving = {.every_steps = 1};
  const Outcome expected = train(1, with(GetParam()));

  for (std::int64_t cut = 1; cut < expected.steps; ++cut) {
    SCOPED_TRACE(cat("cut after step ", cut));
    options.optimizer_in_shares = cut % 2 == 0;
    std::filesystem::remove_all(folder_.dir / "checkpoints");
    comm::run_ranks(2, [&](comm::Communicator& group) {
      TinyTraining training(group, folder_, options);
      training.after_step = [&](TinyTraining& self, std::int64_t step) {
        if (step == cut && group.rank() == 1) self.stop_signal = SIGTERM;
      };
      fixture::error_of(Fault::stopped, [&] { training.fit(); });
    });
    const int ranks = cut % 2 == 0 ? 1 : 3;
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      TinyTraining resumed(group, folder_, options);
      const TrainState from = resumed.restore();
      EXPECT_EQ(from.step, cut);
      const TrainState state = resumed.fit(from);
      EXPECT_THAT(resumed.values(), bitwise_equal(expected.adapter));
      EXPECT_EQ(state.step, expected.steps);
    });
  }
}

const Regulariser kRegularisers[] = {
    {"neftune", [](Settings& s) { s.train.neftune_noise_alpha = 5; }},
    {"ema", [](Settings& s) { s.train.ema = {.decay = 0.7, .update_after_step = 2}; }},
    {"early_stopping",
     [](Settings& s) {
       s.optimizer.lr = 1;
       s.evaluate.every_steps = 1;
       s.train.early_stopping = {.patience = 2, .threshold = 0};
     }},
    {"early_stopping_on_averages",
     [](Settings& s) {
       s.evaluate.every_steps = 1;
       s.train.early_stopping = {.patience = 3, .threshold = 1e9};
       s.train.ema = {.decay = 0.7, .update_after_step = 1};
     }},
    {"label_smoothing", [](Settings& s) { s.train.label_smoothing_factor = 0.1; }},
};

INSTANTIATE_TEST_SUITE_P(Regularisers, EveryRegulariser, testing::ValuesIn(kRegularisers),
                         [](const auto& regulariser) { return regulariser.param.name; });

// v + decay * (a - v) over the values after each update, from the third on; the run's values are as without.
TEST(Ema, IsTheRunningAverageOfWhatIsTrained) {
  const fixture::TrainingFolder folder;
  const auto solo = comm::solo();
  TrainingOptions averaged;
  averaged.settings.train.ema = {.decay = 0.7, .update_after_step = 2};
  TinyTraining plain(*solo, folder, {}), training(*solo, folder, averaged);
  std::vector<at::Tensor> values;
  plain.after_step = [&](TinyTraining& self, std::int64_t) { values.push_back(self.values()); };
  training.after_step = [&](TinyTraining& self, std::int64_t step) {
    EXPECT_THAT(self.values(), bitwise_equal(values[static_cast<std::size_t>(step - 1)])) << "training goes on raw";
  };

  plain.fit();
  training.fit();

  at::Tensor expected = values[1].to(at::kDouble);
  for (std::size_t i = 2; i < 6; ++i) expected = 0.7 * expected + 0.3 * values[i].to(at::kDouble);
  EXPECT_THAT(training.values().to(at::kDouble), fixture::close_to(expected, 1e-6));
  EXPECT_EQ(training.evals[0].loss, plain.evals[0].loss) << "before the first step";
  EXPECT_NE(training.evals[1].loss, plain.evals[1].loss);
  EXPECT_EQ(training.steps.back().loss, plain.steps.back().loss);
}

TEST(Ema, ItsLastEvaluationIsThatOfTheResult) {
  const fixture::TrainingFolder folder;
  const auto solo = comm::solo();
  for (const auto compute : {at::kFloat, at::kBFloat16}) {
    TrainingOptions options{.compute = compute};
    options.settings.train.ema = {.decay = 0.7, .update_after_step = 0};
    TinyTraining training(*solo, folder, options);

    training.fit();

    const EvalRecord again = evaluate(training.model(), training.goal(), at::kCPU, folder.split("validation"), *solo,
                                      training.settings(), 6);
    EXPECT_EQ(again.loss, training.evals.back().loss);
  }
}

class EarlyStopping : public testing::Test {
 protected:
  /// A rate that lets the loss of the validation set rise after a while.
  static TrainingOptions rising(std::int64_t patience) {
    TrainingOptions options;
    options.settings.optimizer.lr = 1;
    options.settings.train.max_steps = 12;
    options.settings.evaluate.every_steps = 1;
    options.settings.train.early_stopping.patience = patience;
    return options;
  }
  /// The step with the lowest loss of the first so many evaluations after one.
  static std::int64_t lowest(const TinyTraining& training) {
    std::int64_t best = 1;
    for (std::size_t i = 1; i < training.evals.size(); ++i)
      if (training.evals[i].loss < training.evals[static_cast<std::size_t>(best)].loss)
        best = static_cast<std::int64_t>(i);
    return best;
  }
  fixture::TrainingFolder folder_;
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
};

TEST_F(EarlyStopping, EndsWithTheValuesThatValidatedBest) {
  TinyTraining training(*solo_, folder_, rising(3));
  std::vector<at::Tensor> values;
  training.after_step = [&](TinyTraining& self, std::int64_t) { values.push_back(self.values()); };

  const TrainState state = training.fit();

  const std::int64_t best = lowest(training);
  ASSERT_LT(best, 9) << "the loss has to rise, or this tests nothing";
  EXPECT_EQ(state.step, best + 3);
  EXPECT_EQ(state.best.step, best);
  EXPECT_EQ(training.told.back(), cat("early stop after ", best + 3));
  EXPECT_THAT(state.ended_early,
              testing::HasSubstr(cat("3 evaluations in a row did not better the validation loss of step ", best)));
  EXPECT_THAT(training.values(), bitwise_equal(values[static_cast<std::size_t>(best - 1)]));
  EXPECT_GT(fixture::largest_difference(training.values(), values.back()), 0);
}

TEST_F(EarlyStopping, MayLeaveTheLastValues) {
  TrainingOptions options = rising(3);
  options.settings.train.load_best_model_at_end = recipe::Switch::off;
  TinyTraining training(*solo_, folder_, options);
  at::Tensor last;
  training.after_step = [&](TinyTraining& self, std::int64_t) { last = self.values(); };

  EXPECT_LT(training.fit().step, 12);

  EXPECT_THAT(training.values(), bitwise_equal(last));
}

TEST_F(EarlyStopping, TheBestValuesAreKeptWithoutItToo) {
  TrainingOptions options = rising(3);
  options.settings.train.early_stopping.patience.reset();
  options.settings.train.load_best_model_at_end = recipe::Switch::on;
  TinyTraining training(*solo_, folder_, options);
  std::vector<at::Tensor> values;
  training.after_step = [&](TinyTraining& self, std::int64_t) { values.push_back(self.values()); };

  const TrainState state = training.fit();

  EXPECT_EQ(state.step, 12);
  EXPECT_EQ(state.ended_early, "");
  ASSERT_LT(lowest(training), 12);
  EXPECT_THAT(training.values(), bitwise_equal(values[static_cast<std::size_t>(lowest(training) - 1)]));
}

// Killed when its last checkpoint was whole and its result was not.
TEST_F(EarlyStopping, ARunThatHadStoppedStopsAgainWithoutAnotherStep) {
  TrainingOptions options = rising(2);
  options.saving = {.every_steps = 100, .when_best = false};
  TinyTraining training(*solo_, folder_, options), again(*solo_, folder_, options);
  const TrainState state = training.fit();

  const TrainState back = again.fit(again.restore());

  EXPECT_TRUE(again.steps.empty());
  EXPECT_EQ(back.step, state.step);
  EXPECT_EQ(back.ended_early, state.ended_early);
  EXPECT_THAT(again.values(), bitwise_equal(training.values()));
}

TEST_F(EarlyStopping, TheBestCheckpointStays) {
  TrainingOptions options = rising(3);
  options.saving = {.every_steps = 1, .keep = {.newest = 1, .best = true}};
  TinyTraining training(*solo_, folder_, options);

  const TrainState state = training.fit();

  std::vector<std::int64_t> kept;
  for (const auto& folder : checkpoint::list_folders(folder_.dir / "checkpoints"))
    kept.push_back(*checkpoint::step_of(folder));
  EXPECT_THAT(kept, testing::ElementsAre(state.best.step, state.step));
}

TEST_F(EarlyStopping, NeedsAValidationSet) {
  folder_.documents({9, 4, 20, 7, 13}, {});
  TinyTraining training(*solo_, folder_, rising(3));
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { training.fit(); }), testing::HasSubstr("no example was held out"));
}

TEST(Neftune, ActsWhileTrainingOnly) {
  const fixture::TrainingFolder folder;
  const auto solo = comm::solo();
  TrainingOptions plain{.dropout = 0}, noisy{.dropout = 0};
  noisy.settings.train.neftune_noise_alpha = 5;
  plain.settings.optimizer.lr = noisy.settings.optimizer.lr = 0;
  plain.settings.optimizer.weight_decay = noisy.settings.optimizer.weight_decay = 0;
  TinyTraining without(*solo, folder, plain), with(*solo, folder, noisy);

  without.fit();
  with.fit();

  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(with.evals[i].loss, without.evals[i].loss);
  EXPECT_NE(with.steps[0].loss, without.steps[0].loss);
}

}  // namespace
}  // namespace pst::train
