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
