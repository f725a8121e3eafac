// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_job.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "support/fake_programs.hpp"

namespace pst::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SlurmJob : public testing::Test {
 protected:
  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir;
  std::string log = (dir / "log").string();

  std::string logged() const { return fs::exists(log) ? read_file(log) : ""; }
};

TEST_F(SlurmJob, NodeNamesAreWhatScontrolMakesOfTheList) {
  fake.add("scontrol", "test \"$1 $2 $3\" = 'show hostnames n[1-2],x' || exit 1; echo n1; echo n2; echo x");
  EXPECT_THAT(node_names("n[1-2],x"), ElementsAre("n1", "n2", "x"));
  EXPECT_THROW(node_names("other"), Error);
}

TEST_F(SlurmJob, ANodeAnswersWhenAProgramRunsOnIt) {
  fake.add("srun", "for word; do test \"$word\" != --nodelist=n2 || exit 1; done; exit 0");
  EXPECT_TRUE(answers("n1"));
  EXPECT_FALSE(answers("n2"));
}

TEST_F(SlurmJob, ANodeThatHangsDoesNotAnswer) {
  fake.add("srun", "exec sleep 60");
  const double begin = monotonic_seconds();
  EXPECT_FALSE(answers("n1"));
  EXPECT_LT(monotonic_seconds() - begin, 8);
}

TEST_F(SlurmJob, OnlyStepsOfThatNameAreEnded) {
  fake.add("squeue", "echo '12.0|pst-watch'; echo '12.3|pst-attempt-2'; echo '12.batch|batch'");
  fake.add("scancel", "echo \"$*\" >>'" + log + "'");
  end_steps("12", "pst-attempt-2");
  EXPECT_EQ(logged(), "--signal=KILL 12.3\n");
}

TEST_F(SlurmJob, AControllerThatDoesNotAnswerStopsNobody) {
  fake.add("squeue", "exec sleep 60");
  const double begin = monotonic_seconds();
  EXPECT_NO_THROW(end_steps("12", "pst-attempt-2"));
  EXPECT_LT(monotonic_seconds() - begin, 8);
}

TEST_F(SlurmJob, AnElementOfAnArrayIsRequeuedByItself) {
  ::setenv("SLURM_JOB_ID", "40", 1);
  EXPECT_EQ(requeue_id(), "40");
  ::setenv("SLURM_ARRAY_JOB_ID", "38", 1);
  ::setenv("SLURM_ARRAY_TASK_ID", "2", 1);
  EXPECT_EQ(requeue_id(), "38_2");
  for (const char* name : {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"}) ::unsetenv(name);
}

TEST_F(SlurmJob, ARefusedRequeueHasARemedy) {
  fake.add("scontrol", "echo 'Requested operation is presently disabled' >&2; exit 1");
  try {
    requeue("12");
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("presently disabled"));
    EXPECT_THAT(error.remedy(), HasSubstr("resume"));
  }
}

}  // namespace
}  // namespace pst::cluster
