// SPDX-License-Identifier: Apache-2.0
// The way of a run through the program, with scripts in place of Slurm and of the worker: sbatch runs the very job
// script, srun the command that it was given.
#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "e2e/cli/workspace.hpp"

namespace pst::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Runs the job in the background, as Slurm would, with the environment that the script asks for.
const char* const kSbatch = R"(test "$1" = --parsable || exit 1
run=$(dirname "$2")
SLURM_JOB_ID=12 SLURM_JOB_NODELIST=n1 setsid bash "$2" >"$run/slurm-12.log" 2>&1 </dev/null &
echo $! >"$run/job.pid"
echo 12)";
const char* const kSrun = R"(while [ "${1#--}" != "$1" ]; do shift; done
exec "$@")";

class CliRun : public testing::Test {
 protected:
  CliRun() {
    here.add_program("sbatch", kSbatch);
    here.add_program("srun", kSrun);
    here.add_program("scontrol", "echo \"$3\"");  // show hostnames
    here.add_program("squeue", "echo '12|RUNNING|None|0:09'");
    here.add_program("scancel", "kill -TERM $(cat runs/*/job.pid)");
  }
  Workspace here;
};

TEST_F(CliRun, TrainEndsWithTheResult) {
  here.add_finishing_worker();

  const auto answer = here.call({"train", "recipe.yaml"});

  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, AllOf(HasSubstr("validation loss  2.500 -> 0.250"), HasSubstr("/adapter\n")));
  EXPECT_THAT(answer.err, HasSubstr("step 2/2  loss 0.500  lr 2.0e-04"));
  EXPECT_THAT(here.call({"status"}).out, HasSubstr("completed  2/2"));
}

TEST_F(CliRun, SubmitAndFollowEndsWithTheResult) {
  here.add_finishing_worker();

  const auto answer = here.call({"submit", "recipe.yaml", "--follow"});

  EXPECT_EQ(answer.status, 0) << answer.err << here.shell("cat runs/*/slurm-12.log").out;
  EXPECT_THAT(answer.out, AllOf(HasSubstr("job  12"), HasSubstr("2.500 -> 0.250")));
  EXPECT_THAT(here.shell("cat runs/*/events.jsonl").out,
              AllOf(HasSubstr("submitted"), HasSubstr("started"), HasSubstr("completed")));
  EXPECT_EQ(here.call({"follow", "tiny"}).status, 0) << "following a finished run tells its result";
}

TEST_F(CliRun, AFailedJobIsToldByFollow) {
  here.add_program("worker", "echo 'error[data]: shard 2 is torn'; echo '  try: import it again'; exit 65");

  const auto answer = here.call({"submit", "recipe.yaml", "--follow"});

  EXPECT_EQ(answer.status, 65);
  EXPECT_THAT(answer.err,
              AllOf(HasSubstr("shard 2 is torn"), HasSubstr("import it again"), HasSubstr("peft-studio logs ")));
}

TEST_F(CliRun, CancelEndsTheJobAndTheRunSaysSo) {
  here.add_program("worker", "trap 'exit 76' TERM; touch ready; while :; do sleep 0.1; done");
  ASSERT_EQ(here.call({"submit", "recipe.yaml"}).status, 0);
  here.shell("while ! test -e ready; do sleep 0.1; done");

  EXPECT_EQ(here.call({"cancel", "tiny"}).status, 0);
  const auto answer = here.call({"follow", "tiny"});

  EXPECT_EQ(answer.status, 76) << answer.err;
  EXPECT_THAT(answer.err, HasSubstr("cancelled"));
}

TEST_F(CliRun, AnInterruptLetsGoOfTheRunWhichGoesOn) {
  here.add_program("worker", "touch ready; while ! test -e go; do sleep 0.1; done; exit 75");
  ASSERT_EQ(here.call({"submit", "recipe.yaml"}).status, 0);

  const auto answer = here.shell(
      "while ! test -e ready; do sleep 0.1; done\n"
      "env --default-signal=INT $PST follow tiny 2>said & p=$!; while ! test -s said; do sleep 0.1; done\n"
      "kill -INT $p; wait $p; status=$?; cat said >&2; exit $status");

  EXPECT_EQ(answer.status, 76);
  EXPECT_THAT(answer.err,
              AllOf(HasSubstr("which goes on"), HasSubstr("peft-studio follow"), HasSubstr("peft-studio cancel")));
  EXPECT_THAT(here.call({"status"}).out, HasSubstr("running"));
  here.write("go", "");
  EXPECT_EQ(here.call({"follow", "tiny"}).status, 75);
}

TEST_F(CliRun, CancelOnInterruptEndsTheJob) {
  here.add_program("worker", "trap 'exit 76' TERM; touch ready; while :; do sleep 0.1; done");

  const auto answer = here.shell(
      "env --default-signal=INT $PST submit recipe.yaml --follow --cancel-on-interrupt & p=$!\n"
      "while ! test -e ready; do sleep 0.1; done; kill -INT $p; wait $p");

  EXPECT_EQ(answer.status, 76) << answer.err;
  EXPECT_THAT(answer.err, AllOf(HasSubstr("cancelling"), HasSubstr("cancelled")));
}

TEST_F(CliRun, AKilledLocalTrainingLeavesNoWorkerAndIsSeenAsGone) {
  here.add_program("worker", "echo $$ >pid; exec sleep 3600");

  const auto answer = here.shell(
      "$PST train recipe.yaml & p=$!; while ! test -s pid; do sleep 0.1; done; kill -KILL $p; wait $p\n"
      "while grep -q 'State:.[^ZX]' /proc/$(cat pid)/status 2>/dev/null; do sleep 0.1; done; echo gone");

  EXPECT_THAT(answer.out, HasSubstr("gone")) << "the worker, which sleeps for an hour, is still there";
  EXPECT_THAT(here.call({"status"}).out, HasSubstr("its process is gone"));
}

}  // namespace
}  // namespace pst::e2e
