// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "support/fake_programs.hpp"

namespace pst::cluster {
namespace {

using testing::HasSubstr;

class Slurm : public testing::Test {
 protected:
  fixture::FakePrograms fake;

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

TEST_F(Slurm, SubmitReadsTheNumber) {
  fake.add("sbatch", "test \"$1\" = --parsable && test \"$2\" = '/runs/a b/job.sh' && echo 4711");
  EXPECT_EQ(submit("/runs/a b/job.sh"), "4711");
}

TEST(JobNumber, IsFoundAmongWhatASiteWritesAroundIt) {
  for (const char* printed :
       {"12\n", "12;alps\n", "Welcome to the site\n12\n", "12\nsbatch: lua: thanks\n", "Submitted batch job 12\n",
        "Submitted batch job 12 on cluster nautilus\n",
        "account \"phys\" (99% left)\n\n12;alps\nsee https://help.example.org\n", "12\nSubmitted batch job 12\n"})
    EXPECT_EQ(job_number(printed), "12") << printed;
  for (const char* other : {"", "Submitted batch job", "Submitted batch job x", "12; rm -rf /x;y\n-1", "12\n13\n",
                            "99999999999999999999999", "12 13", "job 12"})
    EXPECT_FALSE(job_number(other)) << other;
}

TEST_F(Slurm, ARefusalIsTheUsersInSlurmsWords) {
  fake.add("sbatch", "echo 'sbatch: error: invalid partition specified: gpux' >&2; exit 1");
  const Error error = complaint([] { submit("/job.sh"); });

  EXPECT_EQ(error.fault(), Fault::usage);
  EXPECT_THAT(error.what(), HasSubstr("invalid partition specified: gpux"));
  EXPECT_THAT(error.what(), HasSubstr("try: "));
}

TEST_F(Slurm, ASilentControllerIsTransient) {
  fake.add("sbatch",
           "echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' "
           ">&2; exit 1");
  EXPECT_EQ(complaint([] { submit("/job.sh"); }).fault(), Fault::transient);
}

TEST_F(Slurm, AJobWhoseAnswerWasLostIsFoundInTheQueue) {
  fake.add("squeue", "printf '7|/runs/x/job.sh\n9|/runs/x/job.sh\n11|/runs/x/job.sh.old\n12|/runs/y/job.sh\n'");
  for (const char* sbatch :
       {"exit 0", "echo hello", "echo 3; echo 4",
        "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' "
        ">&2; exit 1"}) {
    fake.add("sbatch", sbatch);
    EXPECT_EQ(submit("/runs/x/job.sh", {.known = {"7"}}), "9") << sbatch;
  }
}

TEST_F(Slurm, ATimeOutIsNoRefusal) {
  fake.add("sbatch",
           "echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; "
           "exit 1");
  fake.add("squeue", "exit 0");
  const Error absent = complaint([] { submit("/runs/x/job.sh", {.look_after_s = {0, 0}}); });
  EXPECT_EQ(absent.fault(), Fault::transient);
  EXPECT_THAT(absent.message(), HasSubstr("Socket timed out"));
  EXPECT_THAT(absent.message(), HasSubstr("no job of /runs/x/job.sh is in Slurm's queue"));
  EXPECT_THAT(absent.what(), testing::Not(HasSubstr("refused")));

  fake.add("squeue", "echo 'slurm_load_jobs error: Socket timed out' >&2; exit 1");
  const Error unknown = complaint([] { submit("/runs/x/job.sh", {.look_after_s = {0}}); });
  EXPECT_THAT(unknown.message(), HasSubstr("whether Slurm has taken the job is not known"));
  EXPECT_THAT(unknown.remedy(), HasSubstr("peft-studio resume RUN"));
}

TEST_F(Slurm, AJobThatAppearsLateIsWaitedFor) {
  fixture::TemporaryDirectory dir;
  fake.add("sbatch", "exit 0");
  fake.add("squeue",
           "test -e '" + (dir / "asked").string() + "' && echo '9|/job.sh'; touch '" + (dir / "asked").string() + "'");
  EXPECT_EQ(submit("/job.sh", {.look_after_s = {0, 0.01}}), "9");
}

TEST_F(Slurm, GarbageInsteadOfANumberIsNotAJob) {
  fake.add("squeue", "exit 0");
  for (const char* garbage : {"", "Submitted batch job", "12; rm -rf /x;y\\n\\033[2J-1", "99999999999999999999999"}) {
    fake.add("sbatch", std::string("printf '%b' '") + garbage + "'");
    SCOPED_TRACE(garbage);
    EXPECT_THAT(complaint([] { submit("/job.sh", {.look_after_s = {0}}); }).what(),
                HasSubstr("instead of its job's number"));
  }
}

TEST_F(Slurm, JobStatesAreReadAndNonsenseIsNot) {
  fake.add("squeue",
           "printf '12|PENDING|Resources|0:09\\n13|RUNNING|None|0:09\\ngarbage\\n||||\\n99|RUNNING|None|0:09\\n'");

  const auto states = job_states({"12", "13", "14", "x;y"});

  ASSERT_EQ(states.size(), 2u);
  EXPECT_EQ(to_text(states.at("12")), "PENDING (Resources)");
  EXPECT_EQ(to_text(states.at("13")), "RUNNING");
}

TEST_F(Slurm, AForgottenJobHasNoStateAndADeadControllerIsAnError) {
  fake.add("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1");
  EXPECT_TRUE(job_states({"12"}).empty());

  fake.add("squeue", "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1");
  EXPECT_EQ(complaint([] { job_states({"12"}); }).fault(), Fault::transient);
}

TEST_F(Slurm, CancelCallsScancelWithTheNumberOnly) {
  fake.add("scancel", "test $# = 1 && test \"$1\" = 12");

  EXPECT_NO_THROW(cancel("12"));

  EXPECT_THAT(complaint([] { cancel("--user=root"); }).what(), HasSubstr("no job number"));
  fake.add("scancel", "echo 'scancel: error: Kill job error on job id 12: Access/permission denied' >&2; exit 1");
  EXPECT_THAT(complaint([] { cancel("12"); }).what(), HasSubstr("permission denied"));
}

TEST_F(Slurm, DependencyArrayAndLogAreWords) {
  EXPECT_THAT(sbatch_words({}), testing::IsEmpty());
  EXPECT_THAT(sbatch_words({.after = {"12", "13_4"}}), testing::ElementsAre("--dependency=afterany:12:13_4"));
  EXPECT_THAT(sbatch_words({.array = {0, 1, 2, 3, 4, 5}, .at_once = 2, .output = "/s/%a/slurm-%A_%a.log"}),
              testing::ElementsAre("--array=0-5%2", "--output=/s/%a/slurm-%A_%a.log"));
  EXPECT_THAT(sbatch_words({.array = {0, 2, 3, 7}}), testing::ElementsAre("--array=0,2-3,7"));
  for (const char* hostile : {"", "12;x", "--x", "12_", "_3", "1_2_3", "12:13"})
    EXPECT_THAT(complaint([&] { sbatch_words({.after = {hostile}}); }).what(), HasSubstr("no job number")) << hostile;
}

TEST_F(Slurm, SubmitPutsTheWordsBeforeTheScript) {
  fake.add("sbatch", "test \"$*\" = '--parsable --dependency=afterany:7 /job.sh' && echo 8");
  EXPECT_EQ(submit("/job.sh", {.after = {"7"}}), "8");
}

TEST_F(Slurm, AJobThatCompletesWithoutHavingRunGoesBackIntoTheQueue) {
  fake.add("squeue", "printf '12|COMPLETING|None|0:00\\n13|COMPLETING|None|0:07\\n'");

  const auto states = job_states({"12", "13"});

  EXPECT_EQ(states.at("12").state, "REQUEUED");
  EXPECT_TRUE(is_active(states.at("12")));
  EXPECT_EQ(states.at("13").state, "COMPLETING");
}

TEST_F(Slurm, ElementsOfAnArrayAreAskedForAsOneJob) {
  fake.add("squeue",
           "for w; do case $w in --jobs=*) test \"$w\" = --jobs=12,9 || exit 1;; esac; done\n"
           "printf "
           "'12_0|RUNNING|None|0:09\\n12_1|PENDING|JobArrayTaskLimit|0:09\\n12_2|PENDING|None|0:09\\n9|RUNNING|None|"
           "NONE\\n'");

  const auto states = job_states({"12_0", "12_1", "9"});

  ASSERT_EQ(states.size(), 3u);
  EXPECT_EQ(to_text(states.at("12_1")), "PENDING (JobArrayTaskLimit)");
}

TEST_F(Slurm, CancelsAllInOneCall) {
  fake.add("scancel", "test \"$*\" = '12 13_1'");
  EXPECT_NO_THROW(cancel(std::vector<std::string>{"12", "13_1"}));
  EXPECT_NO_THROW(cancel(std::vector<std::string>{}));
  fake.add("scancel", "test \"$*\" = '--batch --signal=USR2 12_3'");
  EXPECT_NO_THROW(warn("12_3"));
}

TEST_F(Slurm, KnowsWhichJobsHaveEnded) {
  EXPECT_TRUE(is_active({.state = "COMPLETING"}));
  EXPECT_TRUE(is_active({.state = "PENDING"}));
  EXPECT_FALSE(is_active({.state = "NODE_FAIL"}));
  EXPECT_FALSE(is_active({.state = "CANCELLED by 0"}));
}

TEST(SlurmAbsent, SaysWhatToDo) {
  const fixture::FakePrograms nothing(fixture::FakePrograms::Path::only);
  try {
    submit("/job.sh");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("sbatch was not found on PATH"));
    EXPECT_THAT(error.what(), HasSubstr("peft-studio train"));
  }
}

}  // namespace
}  // namespace pst::cluster
