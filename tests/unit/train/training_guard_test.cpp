// SPDX-License-Identifier: Apache-2.0
// What the loop does about what the guard finds.
#include <algorithm>
#include <limits>

#include "support/errors.hpp"
#include "support/tensors.hpp"
#include "unit/train/tiny_training.hpp"

namespace pst::train {
namespace {

using fixture::bitwise_equal;
using fixture::TinyTraining;
using fixture::TrainingOptions;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class TrainingGuard : public testing::Test {
 protected:
  fixture::TrainingFolder folder_;
  std::unique_ptr<comm::Communicator> solo_ = comm::solo();
};

/// From the end of step `last` on, the parameters are no numbers.
void poison(TinyTraining& training, std::int64_t last) {
  training.after_step = [last](TinyTraining& self, std::int64_t step) {
    if (step != last) return;
    self.parameters().flat().fill_(std::numeric_limits<float>::quiet_NaN());
    self.parameters().refresh_compute();
  };
}

TEST_F(TrainingGuard, StopsARunThatIsBeyondRepair) {
  comm::run_ranks(2, [&](comm::Communicator& group) {
    TinyTraining training(group, folder_, {});
    poison(training, 2);

    const std::string report = fixture::error_of(Fault::data, [&] { training.fit(); });

    EXPECT_THAT(report, AllOf(HasSubstr("step 3: loss "), HasSubstr("nan")));
    EXPECT_THAT(report, HasSubstr("lower optimizer.lr")) << "the remedy";
    EXPECT_THAT(training.told, ElementsAre("evaluation after 0", "step 1", "step 2", "finding in 3"));
  });
}

TEST_F(TrainingGuard, PassesOverAStepWhoseGradientIsOutOfProportion) {
  TinyTraining unguarded(*solo_, folder_, {});
  unguarded.fit();
  const auto largest = std::max_element(unguarded.steps.begin(), unguarded.steps.end(),
                                        [](const auto& a, const auto& b) { return a.grad_norm < b.grad_norm; });
  const std::int64_t bad = largest->step;
  TrainingOptions options;
  options.settings.guard.grad_norm = largest->grad_norm * 0.999;
  options.settings.guard.spike = recipe::GuardAction::skip;
  TinyTraining training(*solo_, folder_, options);
  std::vector<at::Tensor> values = {training.values()};
  training.after_step = [&](TinyTraining& self, std::int64_t) { values.push_back(self.values()); };

  const TrainState state = training.fit();

  ASSERT_FALSE(training.findings.empty());
  EXPECT_EQ(training.findings.front().first, bad);
  EXPECT_EQ(training.findings.front().second.action, recipe::GuardAction::skip);
  std::int64_t updates = 0, tokens = 0;
  for (const StepRecord& step : training.steps) {
    const auto i = static_cast<std::size_t>(step.step);
    EXPECT_EQ(at::equal(values[i], values[i - 1]), step.skipped || step.lr == 0) << "step " << i;
    updates += step.skipped ? 0 : 1;
    tokens += step.skipped ? 0 : step.tokens;
  }
  EXPECT_TRUE(training.steps[static_cast<std::size_t>(bad) - 1].skipped);
  EXPECT_EQ(state.step, 6);
  EXPECT_EQ(state.updates, updates);
  EXPECT_EQ(state.tokens, tokens);
}

TEST_F(TrainingGuard, AWarningChangesNothing) {
  TrainingOptions options;
  options.settings.guard.grad_norm = 1e-9;
  options.settings.guard.spike = recipe::GuardAction::warn;
  TinyTraining warned(*solo_, folder_, options), unguarded(*solo_, folder_, {});

  warned.fit();
  unguarded.fit();

  EXPECT_EQ(warned.findings.size(), 6u);
  EXPECT_THAT(warned.values(), bitwise_equal(unguarded.values()));
}

TEST_F(TrainingGuard, GivesUpWhenAllStepsArePassedOver) {
  TrainingOptions options;
  options.settings.train.max_steps = 20;
  options.settings.guard.grad_norm = 1e-9;
  options.settings.guard.spike = recipe::GuardAction::skip;
  TinyTraining training(*solo_, folder_, options);
  const at::Tensor before = training.values();

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { training.fit(); }), HasSubstr("10 steps in a row"));

  EXPECT_EQ(training.steps.size(), 10u);
  EXPECT_THAT(training.values(), bitwise_equal(before));
}

TEST_F(TrainingGuard, ARunWhoseEveryStepWasLeftOutIsNotCompleted) {
  TrainingOptions options;
  options.settings.guard.grad_norm = 1e-9;
  options.settings.guard.spike = recipe::GuardAction::skip;
  TinyTraining training(*solo_, folder_, options);

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { training.fit(); }), HasSubstr("left out all 6 steps"));

  EXPECT_EQ(training.steps.size(), 6u);
}

// Step 4 meets parameters that are no numbers: back to the checkpoint of step 2, and on with the data of step 5.
TEST_F(TrainingGuard, RollsBackToTheNewestCheckpoint) {
  TrainingOptions options{.saving = {.every_steps = 2, .when_best = false, .keep = {.newest = 100}}};
  options.settings.guard.not_finite = recipe::GuardAction::rollback;
  for (const int ranks : {1, 2}) {
    SCOPED_TRACE(ranks);
    std::filesystem::remove_all(folder_.dir / "checkpoints");
    comm::run_ranks(ranks, [&](comm::Communicator& group) {
      TinyTraining training(group, folder_, options);
      poison(training, 3);

      const TrainState state = training.fit();

      ASSERT_EQ(training.findings.size(), 1u);
      EXPECT_EQ(training.findings[0].first, 4);
      EXPECT_TRUE(training.steps[3].skipped);
      EXPECT_EQ(state.step, 6);
      EXPECT_EQ(state.updates, 4) << "1, 2, 5 and 6";
      EXPECT_EQ(state.tokens, training.steps[0].tokens + training.steps[1].tokens + training.steps[2].tokens +
                                  training.steps[4].tokens + training.steps[5].tokens)
          << "those of step 3 were used, though what they taught is lost";

      // The same by hand: the checkpoint of step 2 with four steps done.
      TinyTraining by_hand(group, folder_, {});
      TrainState from = by_hand.restore_from(folder_.dir / "checkpoints" / checkpoint::folder_name(2));
      EXPECT_EQ(from.step, 2);
      from.step = 4;
      by_hand.fit(from);
      EXPECT_THAT(training.values(), bitwise_equal(by_hand.values()));
    });
  }
}

TEST_F(TrainingGuard, WithoutACheckpointARollbackEndsTheRun) {
  TrainingOptions options{.saving = {.every_steps = 100, .when_best = false}};
  options.settings.guard.not_finite = recipe::GuardAction::rollback;
  TinyTraining training(*solo_, folder_, options);
  poison(training, 1);

  EXPECT_THAT(fixture::error_of(Fault::data, [&] { training.fit(); }), HasSubstr("there is no checkpoint"));
}

}  // namespace
}  // namespace pst::train
