// SPDX-License-Identifier: Apache-2.0
#include "cluster/worker_logs.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "support/run_fixture.hpp"
#include "support/temporary_directory.hpp"

namespace pst::cluster {
namespace {

TEST(WorkerLogs, PrefersACauseToAComplaintAboutAPeer) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "rank-0000.log", "error[transient]: rank 1 failed\n  while all_reduce\n");
  write_durably(dir / "rank-0001.log", "step 3\nerror[io]: cannot write x\n  while saving\n  try: free space\nbye\n");

  EXPECT_EQ(worker_error(dir.path()), "error[io]: cannot write x\n  while saving\n  try: free space");
}

TEST(WorkerLogs, TakesAComplaintAboutAPeerWhenThereIsNoOther) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "ranks.log", "noise\nerror[transient]: rank 1 is gone\n");
  EXPECT_EQ(worker_error(dir.path()), "error[transient]: rank 1 is gone");
}

TEST(WorkerLogs, HugeOrBinaryLogsAreCutAndCleaned) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "rank-0000.log",
                std::string(1 << 20, '\x1b') + "\nerror[bug]: \x1b[2Jx\n" + std::string(1 << 20, ' '));
  EXPECT_EQ(worker_error(dir.path()), "") << "only the last 64 KiB are looked at";

  write_durably(dir / "rank-0000.log", "error[bug]: \x1b[2Jx\n");
  EXPECT_EQ(worker_error(dir.path()), "error[bug]:  [2Jx");
}

TEST(WorkerLogs, ACrashIsTold) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "rank-0000.log", "crash: is what this rank did not do\n");
  EXPECT_EQ(worker_crash(dir.path()), "");
  write_durably(dir / "rank-0001.log",
                "step 3\ncrash: SIGSEGV at address 0x0, in thread 71; its stack:\n/lib/libc.so.6(+0x3c050)[0x7f]\n");
  EXPECT_EQ(worker_crash(dir.path()),
            "a rank crashed: SIGSEGV at address 0x0, in thread 71 (its stack is in rank-0001.log)");
}

TEST(WorkerLogs, NoLogsNoWords) {
  const fixture::TemporaryDirectory dir;
  EXPECT_EQ(worker_error(dir / "none"), "");
  EXPECT_EQ(launcher_words(dir.path(), 3), "");
  write_durably(dir / "srun.log", "a\n\nb\nc\nd\n");
  EXPECT_EQ(launcher_words(dir.path(), 3), "b\nc\nd");
}

TEST(WorkerLogs, NamesTheNodesThatSrunCouldNotStartOn) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "srun.log",
                "srun: error: Task launch for StepId=1.3 failed on node n3: Communication connection failure\n"
                "srun: error: Application launch failed: Communication connection failure\n"
                "srun: error: Task launch for StepId=1.3 failed on node n3: Communication connection failure\n"
                "srun: error: Task launch for StepId=1.3 failed on node x7: Invalid job credential\n"
                "srun: error: n1: task 0: Killed\n");
  EXPECT_THAT(nodes_not_launched_on(dir.path()), testing::ElementsAre("n3", "x7"));
  EXPECT_TRUE(nodes_not_launched_on(dir / "none").empty());
  EXPECT_EQ(launch_complaint(dir.path()),
            "srun: error: Task launch for StepId=1.3 failed on node n3: Communication connection failure");
  EXPECT_EQ(launch_complaint(dir / "none"), "");
}

TEST(WorkerLogs, AnAttemptWithoutAStepEndsWhereTheOnesBeforeDid) {
  const fixture::TemporaryDirectory dir;
  const rundir::RunDir run = fixture::new_run(dir.path(), "x");
  for (int attempt = 1; attempt <= 3; ++attempt) run.begin_attempt();
  EXPECT_EQ(step_at_end(run, 3), 0);
  write_durably(run.attempt(1) / "nodes/n1.jsonl", "{\"kind\":\"step\",\"step\":40}\n");
  write_durably(run.attempt(2) / "nodes/n1.jsonl", "{\"kind\":\"step\",\"step\":30}\n");
  EXPECT_EQ(step_at_end(run, 3), 30);
  EXPECT_EQ(step_at_end(run, 1), 40);
}

}  // namespace
}  // namespace pst::cluster
