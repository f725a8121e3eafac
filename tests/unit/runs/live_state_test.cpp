// SPDX-License-Identifier: Apache-2.0
#include "runs/live_state.hpp"

#include <gmock/gmock.h>

#include "rundir/attempt.hpp"
#include "runs/submission.hpp"
#include "support/environment.hpp"
#include "support/fake_programs.hpp"
#include "support/run_fixture.hpp"

namespace pst::runs {
namespace {

using cluster::JobState;
using cluster::Life;
using rundir::State;
using testing::HasSubstr;

rundir::RunState submitted() { return {.state = State::submitted, .job_id = "12"}; }

TEST(Refine, ASlurmJobIsWhatSlurmSays) {
  EXPECT_EQ(refine(submitted(), {.job = JobState{"PENDING", "Resources"}}).run.state, State::pending);
  EXPECT_EQ(refine(submitted(), {.job = JobState{"PENDING", "Resources"}}).run.reason, "Resources");
  EXPECT_EQ(refine(submitted(), {.job = JobState{"RUNNING", ""}}).run.state, State::running);
  EXPECT_EQ(refine(submitted(), {.job = JobState{"COMPLETING", ""}}).run.state, State::running);
}

TEST(Refine, AJobThatEndedWithoutProofFailed) {
  const LiveState ended = refine(submitted(), {.job = JobState{"COMPLETED", ""}});
  EXPECT_EQ(ended.run.state, State::failed);
  EXPECT_TRUE(ended.inferred);
  EXPECT_THAT(ended.run.reason, HasSubstr("job 12 ended as COMPLETED without completed.json"));
  EXPECT_THAT(refine(submitted(), {}).run.reason, HasSubstr("has left Slurm's queue"));
}

TEST(Refine, AJobThatNeverBeganHasARemedy) {
  const LiveState live = refine(submitted(), {.job = JobState{"FAILED", "JobLaunchFailure"}});
  EXPECT_THAT(live.run.remedy, HasSubstr("file system that all nodes share"));
  auto begun = submitted();
  begun.attempt = 1;
  EXPECT_EQ(refine(begun, {.job = JobState{"FAILED", "NonZeroExitCode"}}).run.remedy, "");
}

TEST(Refine, CancelledIsNotFailed) {
  auto asked = submitted();
  asked.cancel_requested = true;
  EXPECT_EQ(refine(submitted(), {.job = JobState{"CANCELLED", ""}}).run.state, State::cancelled);
  EXPECT_EQ(refine(asked, {}).run.state, State::cancelled);
  EXPECT_EQ(refine(asked, {}).run.exit, 76);
}

TEST(Refine, SilenceOfSlurmProvesNothing) {
  const LiveState live = refine(submitted(), {.slurm_answered = false});
  EXPECT_EQ(live.run.state, State::submitted);
  EXPECT_FALSE(live.inferred);
  EXPECT_THAT(live.run.reason, HasSubstr("Slurm does not answer"));
}

TEST(Refine, WhatTheFolderSaysIsFinalStays) {
  EXPECT_EQ(refine({.state = State::completed, .job_id = "12"}, {.job = JobState{"FAILED", ""}}).run.state,
            State::completed);
}

TEST(Refine, ALocalRunLivesWithItsProcess) {
  const rundir::RunState running = {.state = State::running, .attempt = 1};
  EXPECT_EQ(refine(running, {.process = Life::alive}).run.state, State::running);
  EXPECT_EQ(refine(running, {.process = Life::gone}).run.state, State::failed);
  EXPECT_EQ(refine(running, {.process = Life::unknown}).run.state, State::running) << "it may live on another host";
}

TEST(LiveStates, AsksSlurmOnceForAllRuns) {
  const fixture::TemporaryDirectory dir;
  const fixture::FakePrograms fake;
  fake.add("squeue",
           "echo x >>'" + (dir / "calls").string() + "'; printf '1|RUNNING|None|0:09\\n2|PENDING|Priority|0:09\\n'");
  std::vector<rundir::RunDir> runs;
  for (const char* job : {"1", "2", "3"}) {
    runs.push_back(fixture::new_run(dir / "runs", "x"));
    runs.back().event("submitted", {{"job_id", job}});
  }

  const auto live = live_states(runs);

  EXPECT_EQ(live[0].run.state, State::running);
  EXPECT_EQ(live[1].run.state, State::pending);
  EXPECT_EQ(live[2].run.state, State::failed);
  EXPECT_EQ(read_file(dir / "calls"), "x\n");
}

/// What is not asked about has not failed: `resume` would submit a second job.
TEST(LiveStates, AJobOnAnotherClusterIsNotTakenForGone) {
  const fixture::TemporaryDirectory dir;
  const fixture::FakePrograms fake;
  fake.add("squeue", "printf '1|RUNNING|None|0:09\\n'");
  const fixture::Variable alps("SLURM_CLUSTERS", "alps"), no_job("SLURM_CLUSTER_NAME", std::nullopt);
  const auto there = fixture::new_run(dir / "runs", "x"), here = fixture::new_run(dir / "runs", "x");
  there.event("submitted", submitted_details({"2"}, {}));
  EXPECT_EQ(live_state(there).run.state, State::failed) << "the right cluster does not know it";
  here.event("submitted", {{"job_id", "2"}});

  EXPECT_EQ(live_state(here).run.state, State::submitted);
  EXPECT_THAT(live_state(here).run.reason, HasSubstr("submitted without SLURM_CLUSTERS, which is alps"));
  here.event("submitted", {{"job_id", "1"}});
  EXPECT_EQ(live_state(here).run.state, State::running) << "alps may be this machine's own";
  const fixture::Variable unset("SLURM_CLUSTERS", std::nullopt);
  EXPECT_EQ(live_state(there).run.state, State::submitted);
  EXPECT_THAT(live_state(there).run.reason, HasSubstr("submitted with SLURM_CLUSTERS=alps, which is not set"));
}

TEST(LiveStates, AJobOfTheSameNumberOnAnotherClusterIsAnotherJob) {
  const fixture::TemporaryDirectory dir;
  const fixture::FakePrograms fake;
  fake.add("squeue", "printf '1|RUNNING|None|0:09\\n'");
  const fixture::Variable beta("SLURM_CLUSTERS", "beta");
  const auto run = fixture::new_run(dir / "runs", "x");
  run.event("submitted", {{"job_id", "1"}, {"cluster", "alps"}});

  EXPECT_EQ(live_state(run).run.state, State::submitted);
}

}  // namespace
}  // namespace pst::runs
