// SPDX-License-Identifier: Apache-2.0
#include "rundir/lease.hpp"

#include <gmock/gmock.h>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::rundir {
namespace {

class Leases : public testing::Test {
 protected:
  fixture::TemporaryDirectory dir;
  RunDir run = fixture::new_run(dir.path(), "x");
  Lease lease{.generation = 1,
              .holder = {.host = "n1", .boot_id = "b", .pid = 7, .start_ticks = 9},
              .job_id = "12",
              .renewed = unix_seconds()};
  bool gone = false;
  double waited_s = 0;
  std::function<void()> meanwhile = [] {};
  void wait(double s) {
    waited_s += s;
    meanwhile();
  }

  bool refused(const std::string& job) {
    try {
      refuse_when_held(
          run, job, [&](const ProcessMark&) { return gone; }, [&](double s) { wait(s); });
      return false;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      EXPECT_THAT(error.message(), testing::HasSubstr("process 7 on n1 (job 12)"));
      return true;
    }
  }
};

TEST_F(Leases, AFreshOneIsRefusedToAnybodyElse) {
  EXPECT_FALSE(refused("13")) << "nobody holds it";
  write_lease(run, lease);
  EXPECT_TRUE(refused("13"));
  EXPECT_TRUE(refused(""));
  EXPECT_FALSE(refused("12")) << "the same job, started again by Slurm";
}

TEST_F(Leases, AStaleOneOrADeadHoldersIsFree) {
  lease.renewed = unix_seconds() - kLeaseFresh_s - 1;
  write_lease(run, lease);
  EXPECT_FALSE(refused("13"));
  lease.renewed = unix_seconds();
  write_lease(run, lease);
  gone = true;
  EXPECT_FALSE(refused("13"));
}

TEST_F(Leases, OneFromTheFutureIsBelievedOnlyWhenItIsRenewed) {
  lease.renewed = unix_seconds() + 86400;
  write_lease(run, lease);
  EXPECT_FALSE(refused("13"));
  EXPECT_EQ(waited_s, kLeaseFresh_s);

  meanwhile = [&] {
    if (waited_s < kLeaseFresh_s + 5) return;
    lease.renewed += 5;
    write_lease(run, lease);
  };
  EXPECT_TRUE(refused("13"));
  EXPECT_EQ(waited_s, kLeaseFresh_s + 5);

  lease.renewed = unix_seconds() + kLeaseFresh_s / 2;  // clocks of two nodes differ a little
  write_lease(run, lease);
  EXPECT_TRUE(refused("13"));
  EXPECT_EQ(waited_s, kLeaseFresh_s + 5);
}

TEST_F(Leases, OneWithoutATimeIsDamaged) {
  lease.renewed = std::numeric_limits<double>::quiet_NaN();
  write_lease(run, lease);
  EXPECT_FALSE(refused("13"));
}

TEST_F(Leases, OneThatWasGivenBackIsFree) {
  lease.renewed = 0;
  write_lease(run, lease);
  EXPECT_FALSE(refused("13"));
}

TEST_F(Leases, ADamagedFileIsNoLease) {
  write_durably(run.root() / "lease.json", "{\"generation\": 1");
  EXPECT_FALSE(read_lease(run));
  EXPECT_FALSE(refused("13"));
}

TEST_F(Leases, SurvivesItsFile) {
  write_lease(run, lease);
  const auto read = read_lease(run);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->generation, 1);
  EXPECT_EQ(read->holder.pid, 7);
  EXPECT_EQ(read->renewed, lease.renewed);
}

TEST_F(Leases, OnlyTheNewestGenerationMayWrite) {
  const int first = run.begin_attempt();
  EXPECT_NO_THROW(check_generation(run, first));
  const int second = run.begin_attempt();
  EXPECT_GT(second, first);
  EXPECT_THROW(check_generation(run, first), Error);
  EXPECT_NO_THROW(check_generation(run, second));

  lease.generation = second + 1;  // its folder is not visible here yet
  write_lease(run, lease);
  EXPECT_THROW(check_generation(run, second), Error);
}

}  // namespace
}  // namespace pst::rundir
