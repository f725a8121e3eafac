// SPDX-License-Identifier: Apache-2.0
#include "runs/run_plan.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "runs/plan_inputs.hpp"
#include "support/environment.hpp"
#include "support/temporary_directory.hpp"

namespace pst::runs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> notes(std::int64_t steps, std::optional<std::int64_t> warmup) {
  RunPlan plan{.steps = steps};
  plan.recipe.scheduler.warmup_steps = warmup;
  return notes_of(plan);
}

TEST(RunPlan, ALearningRateThatStaysZeroIsTold) {
  EXPECT_THAT(notes(1, 1), ElementsAre(HasSubstr("nothing will be learned")));
  EXPECT_THAT(notes(10, 10), ElementsAre(HasSubstr("never reaches optimizer.lr")));
  EXPECT_THAT(notes(10, 9), IsEmpty());
  EXPECT_THAT(notes(1, 0), IsEmpty());
  EXPECT_THAT(notes(1, std::nullopt), IsEmpty()) << "a ratio is never the whole run";
}

TEST(RunPlan, NamesThatPeftTakesForExpertsAreTold) {
  RunPlan plan{.steps = 10};
  plan.misread = {"gate_proj", "up_proj"};
  EXPECT_THAT(notes_of(plan), ElementsAre(HasSubstr("gate_proj, up_proj, and for this family of models PEFT takes")));
}

TEST(RunPlan, IsToldWithItsNotes) {
  RunPlan plan{.steps = 1};
  plan.recipe.scheduler.warmup_steps = 3;
  EXPECT_THAT(to_text(plan), HasSubstr("\nnote: the run has one step"));
}

TEST(RunPlan, TellsWhatBecomesOfTheRestOfAnEpoch) {
  const auto told = [](recipe::Remainder remainder, std::int64_t rows) {
    RunPlan plan{.steps = 100};
    plan.rows_per_epoch = rows;
    plan.rows_left = rows % plan.recipe.train.global_batch_size;
    plan.recipe.data.remainder = remainder;
    return to_text(plan);
  };
  using recipe::Remainder;

  EXPECT_THAT(told(Remainder::step, 35), HasSubstr("the last step of an epoch has 3 rows instead of 16"));
  EXPECT_THAT(told(Remainder::carry, 35), HasSubstr("the last 3 rows of an epoch go into"));
  EXPECT_THAT(told(Remainder::carry, 33), HasSubstr("the last row of an epoch goes into"));
  EXPECT_THAT(told(Remainder::drop, 33), HasSubstr("the last row of each epoch is left out"));
  EXPECT_THAT(told(Remainder::step, 1), HasSubstr("every step has all 1 row of an epoch, fewer than"));
  EXPECT_THAT(told(Remainder::step, 1), testing::Not(HasSubstr("the last step")));
  EXPECT_THAT(told(Remainder::carry, 5), HasSubstr("a step of 16 rows takes those of several epochs"));
  EXPECT_THAT(told(Remainder::step, 32), testing::Not(HasSubstr("of an epoch")));
}

TEST(MachineForAPlan, IsThisNodeWithoutTimesWhereNothingWasProbed) {
  const fixture::TemporaryDirectory nothing_probed;
  const fixture::Variable cache("XDG_CACHE_HOME", nothing_probed.path().string());

  const plan::Machine machine = find_machine_or_this("");

  EXPECT_FALSE(machine.is_timed());
  EXPECT_GT(machine.memory_bytes, 1u << 20);
  EXPECT_GT(machine.cores, 0);
  EXPECT_THROW(find_machine("no such machine"), Error);
}

}  // namespace
}  // namespace pst::runs
