// SPDX-License-Identifier: Apache-2.0
#include "app/result.hpp"

#include <gmock/gmock.h>

#include "app/loaded_model.hpp"
#include "app/this_machine.hpp"
#include "comm/local_communicator.hpp"
#include "core/digest.hpp"
#include "support/errors.hpp"
#include "support/odd_parameters.hpp"
#include "unit/app/tiny_run.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Compares two ranks whose parameters differ in one value, or in none.
void compare(comm::Communicator& world, float difference) {
  nn::ParameterSet parameters;
  fixture::odd_parameters(parameters);
  if (world.rank() == 1) parameters.flat()[17] += difference;
  compare_replicas(world, parameters);
}

TEST(Result, ReplicasThatAgreePass) {
  comm::run_ranks(3, [](comm::Communicator& world) { compare(world, 0); });
}

TEST(Result, ReplicasThatDifferInOneBitAreRefusedOnEveryRank) {
  comm::run_ranks(3, [](comm::Communicator& world) {
    const std::string report = fixture::error_of(Fault::unfit, [&] { compare(world, 1e-30f); });
    EXPECT_THAT(report, HasSubstr("the adapter on " + host_name() + " differs from rank 0's"));
    EXPECT_THAT(report, HasSubstr("slurm.exclude"));
  });
}

class WriteResult : public testing::Test {
 protected:
  void write(comm::Communicator& world) const {
    const Ranks ranks = fixture::on_one_node(world);
    const app::Run run = read_run(here_.folder(), 1, world);
    LoadedModel loaded(run, Hardware{}, ranks);
    train::TrainState state{.step = 9, .updates = 8, .tokens = 700, .last_loss = 0.5, .seconds = 3.25};
    state.validation_before = 2;
    state.validation_after = 1;
    write_result(run, ranks, loaded.adapter(), state);
  }
  fixture::TinyRun here_;
};

TEST_F(WriteResult, IsTheAdapterAndItsProof) {
  comm::run_ranks(2, [&](comm::Communicator& world) { write(world); });

  const auto completed = here_.dir().read_completed();  // compares the adapter's digest
  ASSERT_TRUE(completed);
  EXPECT_EQ(completed->steps, 9);
  EXPECT_EQ(completed->train_loss, 0.5);
  EXPECT_EQ(completed->validation_loss_before, 2);
  EXPECT_EQ(completed->validation_loss_after, 1);
  EXPECT_EQ(completed->seconds, 3.25);
  EXPECT_EQ(completed->tokens, 700);
  EXPECT_EQ(completed->attempt, 1);
  EXPECT_EQ(completed->ranks, 2);
  EXPECT_TRUE(fs::exists(here_.dir().adapter() / "adapter_config.json"));
}

TEST_F(WriteResult, NothingIsCommittedOnceANewerAttemptHasBegun) {
  here_.dir().begin_attempt();

  comm::run_ranks(2, [&](comm::Communicator& world) { fixture::error_of(Fault::transient, [&] { write(world); }); });

  EXPECT_FALSE(here_.dir().read_completed());
  EXPECT_FALSE(fs::exists(here_.dir().adapter()));
}

}  // namespace
}  // namespace pst::app
