// SPDX-License-Identifier: Apache-2.0
#include "app/vital_signs.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "heartbeat/listener.hpp"
#include "support/environment.hpp"
#include "support/errors.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::app {
namespace {

using heartbeat::Phase;

bool within(double seconds, const std::function<bool()>& holds) {
  const double deadline = monotonic_seconds() + seconds;
  while (!holds() && monotonic_seconds() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return holds();
}

class Signs : public testing::Test {
 protected:
  Signs() { run_.begin_attempt(); }
  /// A supervisor that waits for four ranks.
  heartbeat::Listener& supervisor() {
    listener_ = std::make_unique<heartbeat::Listener>(heartbeat::Reach::this_host, "here");
    listener_->begin(1, 4);
    heartbeat::write_endpoint(run_.heartbeat_file(1), listener_->endpoint());
    return *listener_;
  }

  fixture::TemporaryDirectory dir_;
  rundir::RunDir run_ = fixture::new_run(dir_.path(), "a");
  std::unique_ptr<heartbeat::Listener> listener_;
  fixture::Variable mpirun_{"OMPI_COMM_WORLD_RANK", {}}, pmix_{"PMIX_RANK", {}}, slurm_{"SLURM_PROCID", {}};
  fixture::Variable node_{"SLURMD_NODENAME", "n3"};
};

TEST_F(Signs, WithoutASupervisorNothingIsTold) {
  VitalSigns signs(run_.root(), 1);

  signs.enter(Phase::training);
  signs.progress(7, Phase::evaluating);

  EXPECT_FALSE(signs.stop_requested());
}

TEST_F(Signs, TheSupervisorHearsStepAndPhase) {
  auto& listener = supervisor();
  VitalSigns signs(run_.root(), 1);
  EXPECT_TRUE(within(5, [&] { return listener.ranks()[0].connected; }));

  signs.progress(7, Phase::evaluating);
  EXPECT_TRUE(within(5, [&] { return listener.ranks()[0].step == 7; }));
  EXPECT_EQ(listener.ranks()[0].phase, Phase::evaluating);
  EXPECT_EQ(listener.ranks()[0].host, "n3");
  EXPECT_EQ(listener.ranks()[0].pid, ::getpid());

  signs.enter(Phase::saving);
  EXPECT_TRUE(within(5, [&] { return listener.ranks()[0].phase == Phase::saving; }));
  EXPECT_EQ(listener.ranks()[0].step, 7);
}

TEST_F(Signs, TheSupervisorMayAskForAnEnd) {
  auto& listener = supervisor();
  const VitalSigns signs(run_.root(), 1);
  EXPECT_FALSE(signs.stop_requested());

  listener.order(heartbeat::Order::stop);

  EXPECT_TRUE(within(5, [&] { return signs.stop_requested(); }));
}

// mpirun's word comes first: inside a Slurm job it inherits Slurm's.
TEST_F(Signs, TheRankIsTheLaunchers) {
  auto& listener = supervisor();
  const fixture::Variable slurm("SLURM_PROCID", "1");
  {
    const VitalSigns signs(run_.root(), 1);
    EXPECT_TRUE(within(5, [&] { return listener.ranks()[1].connected; }));
  }
  const fixture::Variable pmix("PMIX_RANK", "2"), mpirun("OMPI_COMM_WORLD_RANK", "3");
  const VitalSigns signs(run_.root(), 1);
  EXPECT_TRUE(within(5, [&] { return listener.ranks()[3].connected; }));
  EXPECT_TRUE(listener.ranks()[2].host.empty());
}

TEST_F(Signs, ADamagedAddressIsRefused) {
  write_durably(run_.heartbeat_file(1), "{");

  const std::string report = fixture::error_of(Fault::data, [&] { VitalSigns(run_.root(), 1); });

  EXPECT_THAT(report, testing::HasSubstr("heartbeat.json"));
  EXPECT_THAT(report, testing::HasSubstr("while finding the supervisor"));
}

}  // namespace
}  // namespace pst::app
