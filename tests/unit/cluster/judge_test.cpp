// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <signal.h>

#include "cluster/supervisor.hpp"

namespace pst::cluster {
namespace {

using Kind = Outcome::Kind;
using testing::HasSubstr;

TEST(Judge, OnlyCompletedJsonMakesASuccess) {
  EXPECT_EQ(judge({.status = 0, .completed = true}).exit, 0);
  EXPECT_EQ(judge({.status = 137, .completed = true}).kind, Kind::completed) << "the launcher's status does not matter";
  const Outcome lost = judge({.status = 0, .completed = false});
  EXPECT_EQ(lost.kind, Kind::failed);
  EXPECT_EQ(lost.exit, 75);
  EXPECT_THAT(lost.reason, HasSubstr("no completed.json"));
}

TEST(Judge, AWorkersOwnStatusAndWordsAreKept) {
  const Outcome outcome =
      judge({.status = 65, .worker_error = "error[data]: model.safetensors is truncated\n  try: x"});

  EXPECT_EQ(outcome.exit, 65);
  EXPECT_EQ(outcome.reason, "model.safetensors is truncated");
  EXPECT_THAT(outcome.report, HasSubstr("try: x"));
}

TEST(Judge, AWorkersWordsBeatTheStatusOfALauncherThatEndedTheOthers) {
  const Outcome outcome = judge({.status = 143, .worker_error = "error[usage]: no way to find one another\n  try: x"});

  EXPECT_EQ(outcome.exit, 64);
  EXPECT_EQ(outcome.reason, "no way to find one another");
}

TEST(Judge, StatusesOfOthersBecomeOurs) {
  for (const auto& [status, exit] : std::vector<std::pair<int, int>>{
           {1, 75}, {64, 64}, {69, 69}, {75, 75}, {127, 69}, {126, 69}, {137, 75}, {143, 75}, {139, 70}, {134, 70}})
    EXPECT_EQ(judge({.status = status}).exit, exit) << "status " << status;
  EXPECT_THAT(judge({.status = 137}).reason, HasSubstr("SIGKILL"));
  EXPECT_THAT(judge({.status = 137}).reason, HasSubstr("out of memory"));
  EXPECT_THAT(judge({.status = 137}).remedy, HasSubstr("slurm.mem"));
}

TEST(Judge, ACancelledJobIsNotAFailure) {
  EXPECT_EQ(judge({.status = 143, .stopped_by = SIGTERM, .job = JobState{"CANCELLED", ""}}).kind, Kind::cancelled);
  EXPECT_EQ(judge({.status = 76, .stopped_by = SIGTERM, .cancel_requested = true}).kind, Kind::cancelled);
  EXPECT_EQ(judge({.status = 76, .stopped_by = SIGINT, .user_interrupt = true}).kind, Kind::cancelled);
  EXPECT_EQ(judge({.status = 143, .stopped_by = SIGTERM, .job = JobState{"CANCELLED", ""}}).exit, 76);
}

TEST(Judge, OutOfTimeSaysSo) {
  const Outcome warned = judge({.status = 76, .stopped_by = SIGUSR2, .job = JobState{"RUNNING", ""}});
  const Outcome late = judge({.status = 137, .stopped_by = SIGTERM, .job = JobState{"TIMEOUT", "TimeLimit"}});

  EXPECT_EQ(warned.exit, 76);
  EXPECT_THAT(warned.remedy, HasSubstr("slurm.time"));
  EXPECT_EQ(late.kind, Kind::failed);
  EXPECT_THAT(late.reason, HasSubstr("out of time"));
}

TEST(Judge, WhileAJobIsEndingItsReasonTellsTheCause) {
  // The workers got Slurm's SIGTERM before we did and ended by themselves.
  const Outcome late = judge({.status = 76, .job = JobState{"COMPLETING", "TimeLimit"}});
  const Outcome lost = judge({.status = 143, .stopped_by = SIGTERM, .job = JobState{"COMPLETING", "NodeDown"}});
  const Outcome cancelled = judge({.status = 76, .job = JobState{"COMPLETING", ""}});

  EXPECT_THAT(late.reason, HasSubstr("out of time"));
  EXPECT_EQ(lost.exit, 75);
  EXPECT_THAT(lost.reason, HasSubstr("node"));
  EXPECT_EQ(cancelled.kind, Kind::cancelled);
}

TEST(Judge, ARequeueFromOutsideIsNoCancellation) {
  const Ending ending = {.status = 76, .stopped_by = SIGTERM, .job = JobState{"REQUEUED", ""}};

  const Outcome outcome = judge(ending);

  EXPECT_EQ(outcome.kind, Kind::failed) << "what comes next is the ladder's";
  EXPECT_EQ(outcome.exit, 76);
  EXPECT_THAT(outcome.reason, HasSubstr("queue"));
  EXPECT_EQ(end_of(ending, outcome), End::requeued);
  EXPECT_EQ(decide({{.end = End::requeued}}, {.slurm = true}, {}).kind, Decision::Kind::requeue);
}

TEST(Judge, ARunningJobLeavesTheReasonToTheWorkers) {
  EXPECT_EQ(judge({.status = 65, .job = JobState{"RUNNING", ""}, .worker_error = "error[data]: x"}).exit, 65);
}

TEST(Judge, CompletionBeatsALateSignal) {
  EXPECT_EQ(judge({.status = 0, .completed = true, .stopped_by = SIGTERM}).kind, Kind::completed);
}

TEST(Judge, DamagedCompletionIsBadData) {
  EXPECT_EQ(judge({.status = 0, .completed_damage = "completed.json is not a JSON object"}).exit, 65);
}

}  // namespace
}  // namespace pst::cluster
