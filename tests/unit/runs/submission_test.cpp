// SPDX-License-Identifier: Apache-2.0
#include "runs/submission.hpp"

#include <gmock/gmock.h>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "rundir/lease.hpp"
#include "rundir/run_state.hpp"
#include "runs/chain_turn.hpp"
#include "support/fake_programs.hpp"
#include "support/run_fixture.hpp"

namespace pst::runs {
namespace {

using rundir::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Submission : public testing::Test {
 protected:
  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir;
  rundir::RunDir run = fixture::new_run(dir.path(), "x");
  std::string log = (dir / "log").string();

  std::string logged() const { return fs::exists(log) ? read_file(log) : ""; }
  template <class Body>
  Error complaint(Body body) {
    try {
      body();
    } catch (const Error& error) {
      return error;
    }
    return {Fault::bug, "nothing was thrown"};
  }
};

TEST_F(Submission, AJobOfAChainWaitsForTheOneBefore) {
  fake.add("sbatch", "echo \"$*\" >>'" + log + "'; wc -l <'" + log + "'");

  EXPECT_THAT(submit_chain("/job.sh", 3, {.jobs = {"90"}, .run = {}}), ElementsAre("1", "2", "3"));

  EXPECT_EQ(logged(),
            "--parsable --dependency=afterany:90 /job.sh\n"
            "--parsable --dependency=afterany:1 /job.sh\n"
            "--parsable --dependency=afterany:2 /job.sh\n");
}

TEST_F(Submission, AChainIsSubmittedWholeOrNotAtAll) {
  fake.add("sbatch", "echo x >>'" + log + "'; n=$(wc -l <'" + log +
                         "'); test $n -lt 3 || { echo 'job limit' >&2; exit 1; }; echo $n");
  fake.add("scancel", "echo \"cancelled $*\" >>'" + log + "'");

  EXPECT_THAT(complaint([] { submit_chain("/job.sh", 4, {}); }).message(), HasSubstr("job limit"));

  EXPECT_THAT(logged(), HasSubstr("cancelled 1 2\n"));
}

TEST_F(Submission, AJobThatNoRunKnowsIsTheHeadOfTheChain) {
  run.event("submitted", {{"job_id", "5"}, {"chain", {"5", "6"}}});
  run.event("submitted", {{"job_id", "7_3"}});
  fake.add("squeue", "printf '5|/r/job.sh\\n6|/r/job.sh\\n7|/r/job.sh\\n8|/r/job.sh\\n9|/other/job.sh\\n'");
  fake.add("sbatch", "echo \"$*\" >>'" + log + "'; echo 10");

  const auto waiting = unknown_jobs("/r/job.sh", {run});

  EXPECT_THAT(waiting, ElementsAre("8"));
  EXPECT_THAT(submit_chain("/r/job.sh", 1, {}, waiting), ElementsAre("8"));
  EXPECT_EQ(logged(), "") << "no second one";
  EXPECT_THAT(submit_chain("/r/job.sh", 2, {}, waiting), ElementsAre("8", "10"));
  EXPECT_EQ(logged(), "--parsable --dependency=afterany:8 /r/job.sh\n");
}

TEST_F(Submission, ComesAfterTheLastJobOfAChain) {
  fake.add("squeue", "echo '5|RUNNING|None|0:09'; echo '6|PENDING|Dependency|0:09'");
  run.event("submitted", {{"job_id", "5"}, {"chain", {"5", "6"}}});

  const Before before = come_after(run, NeedCompleted::yes);

  EXPECT_THAT(before.jobs, ElementsAre("6"));
  EXPECT_EQ(before.run, run.root());
  EXPECT_TRUE(come_after(run, NeedCompleted::no).run.empty());
}

TEST_F(Submission, NeedNotWaitForACompletedRun) {
  fixture::finish(run);
  EXPECT_THAT(come_after(run, NeedCompleted::yes).jobs, IsEmpty());
}

TEST_F(Submission, DoesNotComeAfterAFailureNorAfterALocalRun) {
  run.event("started", {{"attempt", 1}});
  EXPECT_EQ(complaint([&] { come_after(run, NeedCompleted::yes); }).fault(), Fault::usage);
  run.event("failed", {{"reason", "disk full"}, {"exit", 75}});
  const Error error = complaint([&] { come_after(run, NeedCompleted::yes); });
  EXPECT_EQ(error.fault(), Fault::data);
  EXPECT_THAT(error.message(), HasSubstr("is failed: disk full"));
  EXPECT_THAT(error.remedy(), HasSubstr("--after-any"));
  EXPECT_THAT(come_after(run, NeedCompleted::no).jobs, IsEmpty());
}

TEST_F(Submission, WhoeverComesAfterAFailureRefusesToStart) {
  const rundir::RunDir next = fixture::new_run(dir.path(), "y");
  run.event("failed", {{"reason", "disk full\nand more"}, {"exit", 75}});
  const Error error = complaint([&] { refuse_unless_completed(run, next, 0); });
  EXPECT_EQ(exit_status(error.fault()), 65);
  EXPECT_THAT(error.message(), testing::EndsWith("is failed: disk full")) << "one line";
  fixture::finish(run);
  EXPECT_NO_THROW(refuse_unless_completed(run, next, 0));
}

TEST_F(Submission, AJobOfAChainKnowsWhoIsNext) {
  fake.add("squeue", "echo '5|RUNNING|None|0:09'; echo '6|CANCELLED|None|0:09'; echo '7|PENDING|Dependency|0:09'");
  EXPECT_EQ(ChainTurn(run, {"5", "6", "7"}, "5").next(), "7");
  EXPECT_FALSE(ChainTurn(run, {"5", "6", "7"}, "7").next());
  EXPECT_TRUE(ChainTurn(run, {"5", "6", "7"}, "7").is_chained());
  EXPECT_FALSE(ChainTurn(run, {}, "7").is_chained());
  EXPECT_FALSE(ChainTurn(run, {"5", "6"}, "9").is_chained()) << "submitted by hand";
}

TEST_F(Submission, TheRestOfAChainIsDroppedInOneCall) {
  fake.add("scancel", "echo \"$*\" >>'" + log + "'");
  ChainTurn(run, {"5", "6", "7"}, "5").drop_the_rest();
  ChainTurn(run, {"5", "6", "7"}, "7").drop_the_rest();
  EXPECT_EQ(logged(), "6 7\n");
}

TEST_F(Submission, AChainTakesTheLeaseOfItsFormerJobsOnly) {
  rundir::write_lease(run, {.generation = 1, .holder = {}, .job_id = "5", .renewed = 100});
  ChainTurn(run, {"4", "6"}, "6").take_lease_over();
  EXPECT_EQ(rundir::read_lease(run)->renewed, 100);
  ChainTurn(run, {"5", "6"}, "6").take_lease_over();
  EXPECT_EQ(rundir::read_lease(run)->renewed, 0);
}

TEST_F(Submission, ASupervisorIsNotFollowedByAnotherAfterItsLastWord) {
  const double begun = unix_seconds() - 60;
  EXPECT_FALSE(last_word_since(run, begun));
  run.event("started", {{"attempt", 1}});
  run.event("attempt-ended", {{"attempt", 1}});
  EXPECT_FALSE(last_word_since(run, begun)) << "it was killed before it said how to go on";
  run.event("requeued", {{"attempt", 1}, {"reason", "time limit"}});
  run.event("alert", {{"alert", "x"}});
  ASSERT_TRUE(last_word_since(run, begun));
  EXPECT_EQ(last_word_since(run, begun)->state, State::requeued);
  EXPECT_FALSE(last_word_since(run, unix_seconds() + 60)) << "of the job's former turn";
  run.event("started", {{"attempt", 2}});
  EXPECT_FALSE(last_word_since(run, begun));
  run.event("paused", {{"attempt", 2}});
  EXPECT_EQ(last_word_since(run, begun)->state, State::paused);
}

TEST(NothingToDo, ForACompletedRunAndForAChainThatHasEnded) {
  EXPECT_EQ(nothing_to_do({.state = State::completed}, false), "completed already");
  EXPECT_EQ(nothing_to_do({.state = State::paused, .reason = "on request"}, true), "paused: on request");
  EXPECT_FALSE(nothing_to_do({.state = State::failed}, false)) << "Slurm may have requeued it";
  EXPECT_FALSE(nothing_to_do({.state = State::requeued}, true));
}

}  // namespace
}  // namespace pst::runs
