// SPDX-License-Identifier: Apache-2.0
#include "cluster/supervisor.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "cluster/process_mark.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "rundir/attempt.hpp"
#include "rundir/lease.hpp"
#include "rundir/run_state.hpp"
#include "unit/cluster/supervised_run.hpp"

namespace pst::cluster {
namespace {

using rundir::State;
using testing::HasSubstr;

class Supervisor : public SupervisedRun {};

TEST_F(Supervisor, AWorkerThatProvesItsResultCompletesTheRun) {
  make_results(1);
  const auto settings = settings_for("cp '" + (dir / "done/completed.json").string() + "' \"$1\"; exit 1");

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::completed) << outcome.reason;
  EXPECT_EQ(rundir::read_state(run).state, State::completed);
  EXPECT_EQ(rundir::read_attempt(run, 1).supervisor.pid, ::getpid());
  EXPECT_EQ(run.read_events().back()["launcher_status"], 1);
}

TEST_F(Supervisor, StatusZeroWithoutProofIsAFailure) {
  const Outcome outcome = supervise(run, settings_for("exit 0"));

  EXPECT_EQ(outcome.exit, 75);
  EXPECT_EQ(rundir::read_state(run).state, State::failed);
}

TEST_F(Supervisor, ProofOfAnotherAttemptDoesNotCount) {
  make_results(7);
  EXPECT_NE(supervise(run, settings_for("cp '" + (dir / "done/completed.json").string() + "' \"$1\"")).exit, 0);
}

TEST_F(Supervisor, ACompletedRunStartsNothing) {
  fixture::finish(run);
  EXPECT_EQ(supervise(run, settings_for("touch \"$1/started\"")).exit, 0);
  EXPECT_FALSE(fs::exists(run.root() / "started"));
  EXPECT_EQ(run.last_attempt(), 0);
}

TEST_F(Supervisor, AWorkersErrorIsTheReason) {
  const Outcome outcome =
      supervise(run, settings_for("echo 'error[data]: shard 2 is torn'; echo '  try: again'; exit 65"));

  EXPECT_EQ(outcome.exit, 65);
  EXPECT_EQ(rundir::read_state(run).reason, "shard 2 is torn");
  EXPECT_THAT(outcome.report, HasSubstr("try: again"));
}

TEST_F(Supervisor, TheMonitorSeesTheEndAndHasTimeForItsLastWords) {
  auto settings = settings_for("sleep 0.5; exit 65");
  settings.monitor = ChildSettings{.argv = {fake.add("monitor",
                                                     "trap 'sleep 0.3; cp \"$1/events.jsonl\" \"$1/seen\"; exit 0' "
                                                     "USR1; while :; do sleep 0.05; done")
                                                .string(),
                                            run.root().string()},
                                   .output = run.root() / "monitor.log"};

  supervise(run, settings);

  EXPECT_THAT(read_file(run.root() / "seen"), HasSubstr("\"event\":\"failed\""));
}

TEST_F(Supervisor, ARunThatEndsBeforeTheMonitorListensIsSeenAllTheSame) {
  auto settings = settings_for("exit 65");
  settings.monitor = ChildSettings{
      .argv = {fake.add("monitor", "[ \"$2\" = --once ] || exec sleep 60; cp \"$1/events.jsonl\" \"$1/seen\"").string(),
               run.root().string()},
      .output = run.root() / "monitor.log"};

  supervise(run, settings);

  EXPECT_THAT(read_file(run.root() / "seen"), HasSubstr("\"event\":\"failed\""));
}

TEST_F(Supervisor, AMonitorThatDiesIsStartedAgainAndNeverHarmsTheRun) {
  make_results(1);
  auto settings = settings_for("sleep 4; cp '" + (dir / "done/completed.json").string() + "' \"$1\"");
  settings.monitor =
      ChildSettings{.argv = {fake.add("monitor", "echo x >>\"$1/monitors\"; kill -9 $$").string(), run.root().string()},
                    .output = run.root() / "monitor.log"};

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::completed) << outcome.reason;
  EXPECT_EQ(read_file(run.root() / "monitors"), "x\nx\nx\n");
  std::size_t told = 0;
  for (const auto& event : run.read_events()) told += event["event"] == "monitor-lost";
  EXPECT_EQ(told, 3u);
}

TEST_F(Supervisor, AMonitorThatCannotBeStartedIsAnEvent) {
  make_results(1);
  auto settings = settings_for("cp '" + (dir / "done/completed.json").string() + "' \"$1\"");
  settings.monitor = ChildSettings{.argv = {"/nowhere/monitor"}, .output = run.root() / "monitor.log"};

  EXPECT_EQ(supervise(run, settings).kind, Outcome::Kind::completed);

  EXPECT_EQ(run.read_events().front()["event"], "monitor-lost");
}

TEST_F(Supervisor, WaitsForADiskThatRefusesTheAttempt) {
  auto settings = settings_for("exit 64");
  write_durably(run.root() / "attempts", "a file where the folder should be");
  int looks = 0;
  settings.on_tick = [&] {
    ::kill(::getpid(), SIGCHLD);  // a process of the attempt before was cleared away: no reason to give up
    if (++looks == 3) fs::remove(run.root() / "attempts");  // somebody repaired it
  };

  supervise(run, settings);

  std::vector<std::string> kinds;
  for (const auto& event : run.read_events()) kinds.push_back(event["event"]);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), "waiting-for-disk"), 1);
  EXPECT_THAT(kinds, testing::Contains("started"));
  EXPECT_TRUE(fs::exists(run.attempt(1) / "attempt.json"));
}

TEST_F(Supervisor, AMissingLauncherIsOneClearErrorAndAFailedRun) {
  SuperviseSettings settings;
  settings.launch = [this](int attempt, const auto&) { return launch_in_job({}, run, attempt, "/bin/true"); };
  const fixture::FakePrograms nothing(fixture::FakePrograms::Path::only);

  try {
    supervise(run, settings);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(exit_status(error.fault()), 69);
    EXPECT_THAT(error.what(), HasSubstr("srun was not found on PATH"));
  }
  EXPECT_EQ(rundir::read_state(run).state, State::failed);
}

TEST_F(Supervisor, SignalsReachTheWorkersAndACancelledRunSaysSo) {
  auto settings = settings_for("trap 'exit 76' TERM; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.on_tick = when_ready(SIGTERM);

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::cancelled);
  EXPECT_EQ(outcome.exit, 76);
  EXPECT_EQ(rundir::read_state(run).state, State::cancelled);
}

TEST_F(Supervisor, UserSignalTwoIsPassedOnAsItIs) {
  auto settings =
      settings_for("trap 'touch \"$1/warned\"; exit 76' USR2; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.job_id = "12";
  fake.add("squeue", "echo '12|RUNNING|None|0:09'");
  settings.on_tick = when_ready(SIGUSR2);

  const Outcome outcome = supervise(run, settings);

  EXPECT_TRUE(fs::exists(run.root() / "warned"));
  EXPECT_EQ(outcome.kind, Outcome::Kind::requeued);
  EXPECT_THAT(outcome.reason, HasSubstr("time limit"));
}

TEST_F(Supervisor, WorkersThatDieAreStartedAgain) {
  make_results(2);
  auto settings = settings_for("echo x >>\"$1/starts\"; test $(wc -l <\"$1/starts\") = 2 || kill -9 $$; cp '" +
                               (dir / "done/completed.json").string() + "' \"$1\"");
  settings.max_restarts = 5;

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::completed) << outcome.reason;
  EXPECT_EQ(run.last_attempt(), 2);
  std::vector<std::string> kinds;
  for (const auto& event : run.read_events()) kinds.push_back(event["event"]);
  EXPECT_THAT(kinds,
              testing::ElementsAre("started", "attempt-ended", "relaunched", "started", "attempt-ended", "completed"));
  EXPECT_THAT(run.read_events()[1]["remedy"].get<std::string>(), HasSubstr("dmesg"))
      << "what to do about it, though the run went on";
}

TEST_F(Supervisor, ACrashLoopIsStopped) {
  auto settings = settings_for("exit 70");
  settings.max_restarts = 50;

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(outcome.exit, 70);
  EXPECT_THAT(outcome.reason, HasSubstr("step 0 failed 3 times in a row: the workers ended with status 70"));
  EXPECT_EQ(run.last_attempt(), 3);
}

TEST_F(Supervisor, WhatTheWorkersAdvisedIsNotLostInGivingUp) {
  auto settings = settings_for("printf 'error[io]: cannot write\\n  while saving\\n  try: free space\\n' >&2; exit 74");
  settings.max_restarts = 50;

  const Outcome outcome = supervise(run, settings);

  EXPECT_THAT(outcome.reason, HasSubstr("step 0 failed 3 times in a row: cannot write"));
  EXPECT_THAT(outcome.remedy, HasSubstr("free space; peft-studio logs RUN   says why"));
}

TEST_F(Supervisor, WrongUsageAndBadDataAreNotTriedAgain) {
  auto settings = settings_for("exit 65");
  settings.max_restarts = 50;
  EXPECT_EQ(supervise(run, settings).exit, 65);
  EXPECT_EQ(run.last_attempt(), 1);
}

TEST_F(Supervisor, PausedIsAnEndOfItsOwn) {
  auto settings = settings_for("trap 'exit 76' USR2; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.max_restarts = 5;
  run.event("pause-requested");
  settings.on_tick = when_ready(SIGUSR2);

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::paused);
  EXPECT_EQ(outcome.exit, 76);
  EXPECT_EQ(rundir::read_state(run).state, State::paused);
  EXPECT_EQ(rundir::read_lease(run)->renewed, 0) << "the next one need not wait";
}

TEST_F(Supervisor, AJobThatGoesBackByItselfIsNotRequeuedAgain) {
  auto settings = settings_for("trap 'exit 76' TERM; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.job_id = "12";
  fake.add("squeue", "echo '12|COMPLETING|None|0:00'");
  settings.hands.requeue = [] { throw Error(Fault::transient, "Job is in transitional state"); };
  settings.on_tick = when_ready(SIGTERM);

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::requeued);
  EXPECT_EQ(outcome.exit, 76);
  EXPECT_EQ(rundir::read_state(run).state, State::requeued);
}

TEST_F(Supervisor, ARequeueThatSlurmRefusesIsAFailureWithARemedy) {
  auto settings = settings_for("trap 'exit 76' USR2; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.job_id = "12";
  fake.add("squeue", "echo '12|RUNNING|None|0:09'");
  settings.hands.requeue = [] { throw Error(Fault::transient, "requeue is disabled", "peft-studio resume RUN"); };
  settings.on_tick = when_ready(SIGUSR2);

  const Outcome outcome = supervise(run, settings);

  EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
  EXPECT_EQ(rundir::read_state(run).state, State::failed);
  EXPECT_THAT(rundir::read_state(run).reason, HasSubstr("requeue is disabled"));
  EXPECT_THAT(rundir::read_state(run).remedy, HasSubstr("resume"));
}

TEST_F(Supervisor, ASecondOneIsRefusedWhileTheFirstIsAtWork) {
  rundir::write_lease(run, {.generation = 1, .holder = own_mark(), .job_id = "", .renewed = unix_seconds()});
  EXPECT_THROW(supervise(run, settings_for("exit 0")), Error);
  EXPECT_EQ(run.last_attempt(), 0);
}

TEST_F(Supervisor, WhoeverIsReplacedEndsItsWorkersAndWritesNothingMore) {
  auto settings = settings_for("touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.max_restarts = 5;
  settings.on_tick = [this, done = false]() mutable {
    if (!done && fs::exists(run.root() / "ready")) run.begin_attempt(), done = true;
  };

  const Outcome outcome = supervise(run, settings);

  EXPECT_THAT(outcome.reason, HasSubstr("newer attempt"));
  EXPECT_EQ(run.read_events().back()["event"], "attempt-ended");
  EXPECT_EQ(run.last_attempt(), 2);
}

TEST_F(Supervisor, AResultIsEnoughWhenTheLauncherDoesNotLeave) {
  make_results(1);
  auto settings = settings_for("cp '" + (dir / "done/completed.json").string() + "' \"$1\"; sleep 60");
  settings.patience.linger = 0.2;
  const double start = monotonic_seconds();

  EXPECT_EQ(supervise(run, settings).kind, Outcome::Kind::completed);

  EXPECT_LT(monotonic_seconds() - start, 10);
}

TEST_F(Supervisor, AskSlurmWhetherTheJobWasCancelled) {
  auto settings = settings_for("trap 'exit 76' TERM; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.job_id = "12";
  fake.add("squeue", "echo '12|CANCELLED|None|0:09'");
  settings.on_tick = when_ready(SIGTERM);

  EXPECT_EQ(supervise(run, settings).kind, Outcome::Kind::cancelled);
}

TEST_F(Supervisor, WorkersThatDoNotStopAreKilledAfterTheGrace) {
  auto settings = settings_for("trap '' TERM; touch \"$1/ready\"; while :; do sleep 0.05; done");
  settings.on_tick = when_ready(SIGTERM);
  const double start = monotonic_seconds();

  EXPECT_EQ(supervise(run, settings).kind, Outcome::Kind::cancelled);

  EXPECT_LT(monotonic_seconds() - start, 10);
}

TEST_F(Supervisor, NothingIsLeftRunning) {
  // Like mpirun's ranks: in a session of its own, so that the launcher's process group does not hold it.
  supervise(run, settings_for("setsid sh -c 'echo $$ > \"$0/orphan\"; exec sleep 60' \"$1\" & "
                              "while ! test -s \"$1/orphan\"; do sleep 0.02; done; exit 75"));

  const auto pid = to_int(trim(read_file(run.root() / "orphan")));
  ASSERT_TRUE(pid);
  EXPECT_FALSE(mark_of(*pid)) << "process " << *pid << " outlived its attempt";
}

}  // namespace
}  // namespace pst::cluster
