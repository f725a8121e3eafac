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

TEST(RunPlan, IsToldWithItsNotes) {
  RunPlan plan{.steps = 1};
  plan.recipe.scheduler.warmup_steps = 3;
  EXPECT_THAT(to_text(plan), HasSubstr("\nnote: the run has one step"));
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
