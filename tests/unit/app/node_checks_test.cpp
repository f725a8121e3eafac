// SPDX-License-Identifier: Apache-2.0
#include "app/node_checks.hpp"

#include <gmock/gmock.h>

#include "comm/local_communicator.hpp"
#include "rundir/unfit.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Preflight : public testing::Test {
 protected:
  void start(comm::Communicator& world) const { preflight(fixture::on_one_node(world), run_.dir(), 1); }
  void expect_ranks(int ranks) const { rundir::write_attempt(run_.dir(), {.number = 1, .ranks = ranks}); }

  fixture::TinyRun run_;
  fixture::Variable node_{"SLURMD_NODENAME", "n3"}, gpus_{"SLURM_STEP_GPUS", {}};
};

TEST_F(Preflight, LetsAGoodLaunchPass) {
  expect_ranks(3);
  check_scratch(run_.dir(), 1);

  comm::run_ranks(3, [&](comm::Communicator& world) { start(world); });

  EXPECT_FALSE(rundir::read_unfit(run_.dir(), 1));
  EXPECT_EQ(run_.events("preflight"), 0u);
}

TEST_F(Preflight, AWorkerThatIsStartedByHandHasNoNumberToMeet) {
  comm::run_ranks(2, [&](comm::Communicator& world) { start(world); });
}

TEST_F(Preflight, AnotherNumberOfRanksIsRefusedByAll) {
  expect_ranks(4);

  comm::run_ranks(2, [&](comm::Communicator& world) {
    EXPECT_THAT(fixture::error_of(Fault::usage, [&] { start(world); }),
                HasSubstr("2 ranks were started, and this run was to start with 4"));
  });
  EXPECT_FALSE(rundir::read_unfit(run_.dir(), 1)) << "no node is to blame";
}

TEST_F(Preflight, ANodeThatCannotDoTheWorkIsLeftForTheSupervisor) {
  expect_ranks(2);
  const fixture::Variable scratch("TMPDIR", run_.folder().string() + "/none");

  comm::run_ranks(2, [&](comm::Communicator& world) {
    EXPECT_THAT(fixture::error_of(Fault::unfit, [&] { start(world); }), HasSubstr("on n3"));
  });

  const auto unfit = rundir::read_unfit(run_.dir(), 1);
  ASSERT_TRUE(unfit);
  EXPECT_THAT(unfit->nodes, ElementsAre("n3"));
  EXPECT_THAT(unfit->reason, HasSubstr("cannot write to"));
}

TEST_F(Preflight, BadScratchIsFoundBeforeMpiNeedsIt) {
  const fixture::Variable scratch("TMPDIR", run_.folder().string() + "/none");

  EXPECT_THAT(fixture::error_of(Fault::unfit, [&] { check_scratch(run_.dir(), 1); }), HasSubstr("on n3"));

  ASSERT_TRUE(rundir::read_unfit(run_.dir(), 1));
  EXPECT_THAT(rundir::read_unfit(run_.dir(), 1)->nodes, ElementsAre("n3"));
}

TEST_F(Preflight, ARunsFolderThatIsMissingIsNotScratchsBusiness) {
  check_scratch(rundir::RunDir(run_.folder() / "none"), 1);

  comm::run_ranks(2, [&](comm::Communicator& world) {
    EXPECT_THAT(
        fixture::error_of(Fault::unfit,
                          [&] { preflight(fixture::on_one_node(world), rundir::RunDir(run_.folder() / "none"), 1); }),
        HasSubstr("the run's folder cannot be used on n3"));
  });
}

}  // namespace
}  // namespace pst::app
