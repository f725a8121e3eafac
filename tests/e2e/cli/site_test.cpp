// SPDX-License-Identifier: Apache-2.0
// Site profiles as a user meets them: what `site` prints, what `submit` makes of a profile, and what is refused.
#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "e2e/cli/workspace.hpp"

namespace pst::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

class Site : public testing::Test {
 protected:
  Site() {
    here.set("PST_SITES", (here / "sites").string());
    here.set("HOME", (here / "home").string());
    fs::create_directories(here / "sites");
  }
  void profile(const std::string& name, const std::string& more) const {
    here.write("sites/" + name + ".yaml", cat("name: ", name, "\ninherits: generic\n", more));
  }
  Workspace here;
};

TEST_F(Site, ListNamesTheShippedOnesAndTheOneThatFits) {
  profile("ours", "title: the group's\nmatch: { environment: { OUR_CLUSTER: '^big$' } }\n");
  here.set("OUR_CLUSTER", "big");

  const auto answer = here.call({"site", "list"});

  EXPECT_EQ(answer.status, 0) << answer.err;
  for (const char* name : {"generic", "local-cluster", "laptop", "cscs-alps", "olcf-frontier", "lumi-g",
                           "nersc-perlmutter", "jsc-juwels-booster", "tacc-vista"})
    EXPECT_THAT(answer.out, HasSubstr(name));
  EXPECT_THAT(answer.out, HasSubstr("from public documentation, not run there"));
  EXPECT_THAT(answer.out, HasSubstr("here: ours, because its match.environment fits OUR_CLUSTER=\"big\""));
}

TEST_F(Site, ListEndsWellThoughAProfileIsBroken) {
  profile("broken", "colour: red\n");
  const auto answer = here.call({"site", "list"});
  EXPECT_EQ(answer.status, 0);
  EXPECT_THAT(answer.out, HasSubstr("has mistakes: peft-studio site check broken"));
  EXPECT_THAT(answer.out, HasSubstr("here: undecided"));
}

TEST_F(Site, ShowPrintsWhatIsInherited) {
  profile("ours", "account_required: true\n");
  const auto answer = here.call({"site", "show", "ours"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("account_required: true\n"));
  EXPECT_THAT(answer.out, HasSubstr("launcher: srun_pmix\n"));

  here.write("again.yaml", answer.out);
  EXPECT_THAT(here.shell("$PST site check ./again.yaml").err, HasSubstr("name is ours, and the file is again.yaml"));
}

TEST_F(Site, CheckNamesFileLineAndRemedy) {
  profile("ours", "lancher: mpirun\npartitions: [{ name: a, max_time: long }]\n");
  const auto answer = here.call({"site", "check", "ours"});
  EXPECT_EQ(answer.status, 64);
  EXPECT_THAT(answer.err, HasSubstr("ours.yaml:3:1: unknown key 'lancher'; did you mean 'launcher'?"));
  EXPECT_THAT(answer.err, HasSubstr("ours.yaml:4:35: partitions[0].max_time is long"));
}

TEST_F(Site, CheckLetsBashReadTheSetupLinesAndRunsNone) {
  profile("ours", "setup: [ 'touch ran', 'if true; then' ]\n");
  const auto answer = here.call({"site", "check", "ours"});
  EXPECT_EQ(answer.status, 64);
  EXPECT_THAT(answer.err, HasSubstr("bash does not understand the setup line \"if true; then\""));
  EXPECT_FALSE(fs::exists(here / "ran"));
}

TEST_F(Site, CheckWithoutSlurmSaysThatItDidNotCompare) {
  profile("ours", "");
  const auto answer = here.call({"site", "check", "ours"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("no mistakes\nnot compared with Slurm: sinfo was not found on PATH"));
}

TEST_F(Site, ProbeDraftsAProfileThatCheckAccepts) {
  here.add_program("sinfo", "echo 'gpu*|1-00:00:00|1-8|8|64|500000|gpu:4'");
  here.add_program("scontrol", "test $2 = partition || echo 'ClusterName = big'");
  here.add_program("srun", "printf 'MPI plugin types are...\\n\\tpmi2\\n' >&2");

  const auto answer = here.call({"site", "probe", "--name", "mine"});
  ASSERT_EQ(answer.status, 0) << answer.err;
  here.write("sites/mine.yaml", answer.out);

  EXPECT_THAT(answer.out, HasSubstr("launcher: srun_pmi2\n"));
  const auto check = here.call({"site", "check", "mine"});
  EXPECT_EQ(check.status, 0) << check.err << answer.out;
  EXPECT_THAT(check.out, HasSubstr("agrees with Slurm here"));
}

TEST_F(Site, ProbeWithoutSlurmSaysWhatIsMissing) {
  const auto answer = here.call({"site", "probe"});
  EXPECT_EQ(answer.status, 69);
  EXPECT_THAT(answer.err, HasSubstr("sinfo was not found on PATH"));
  EXPECT_THAT(answer.err, HasSubstr("login node"));
}

TEST_F(Site, ALimitIsNamedBeforeAnythingIsMade) {
  here.add_program("sbatch", "echo 4711");
  const auto answer =
      here.call({"submit", "recipe.yaml", "--set", "slurm.site=olcf-frontier", "--set", "slurm.time=06:00:00"});
  EXPECT_EQ(answer.status, 64);
  EXPECT_THAT(answer.err, HasSubstr("olcf-frontier wants an account for every job"));
  EXPECT_THAT(answer.err, HasSubstr("allows 02:00:00 for 1-91 nodes, and slurm.time is 06:00:00"));
  EXPECT_FALSE(fs::exists(here / "runs"));
}

TEST_F(Site, TheAccountOfTheShellIsWrittenDown) {
  here.set("SBATCH_ACCOUNT", "abc123");
  const auto answer = here.call({"submit", "recipe.yaml", "--dry-run", "--set", "slurm.site=olcf-frontier"});
  EXPECT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("#SBATCH --account=abc123\n"));
}

TEST_F(Site, TheRunKeepsItsProfileThoughTheFileChanges) {
  here.add_program("sbatch", "echo 4711");
  profile("ours", "environment: { A: first }\n");
  const auto answer = here.call({"submit", "recipe.yaml", "--set", "slurm.site=ours"});
  ASSERT_EQ(answer.status, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("site ours: it was named\n"));
  const fs::path run = fs::directory_iterator(here / "runs")->path();
  EXPECT_THAT(read_file(run / "site.yaml"), HasSubstr("environment:\n  A: first\n"));
  EXPECT_THAT(read_file(run / "job.sh"), HasSubstr("export A='first'\n"));

  profile("ours", "environment: { A: of-later }\n");
  here.add_program("squeue", "exit 0");
  here.call({"pause", run.string()});
  here.call({"cancel", run.string()});
  here.add_program("scancel", "exit 0");
  here.call({"resume", run.string(), "--set", "slurm.time=00:20:00"});

  EXPECT_THAT(read_file(run / "job.sh"), HasSubstr("#SBATCH --time=00:20:00\n"));  // it was written anew
  EXPECT_THAT(read_file(run / "site.yaml"), Not(HasSubstr("of-later")));
  EXPECT_THAT(read_file(run / "job.sh"), Not(HasSubstr("of-later")));
}

TEST_F(Site, SecretsStayOutOfEverythingThatIsWritten) {
  here.add_program("sbatch", "echo 4711");
  here.write("secrets", "HUB_SECRET=hunter2\n");
  fs::permissions(here / "secrets", fs::perms::owner_read | fs::perms::owner_write);
  const auto answer = here.call({"submit", "recipe.yaml", "--set", "slurm.secrets_file=secrets"});
  ASSERT_EQ(answer.status, 0) << answer.err;
  EXPECT_EQ(here.shell("grep -r hunter2 runs").out, "");

  fs::permissions(here / "secrets", fs::perms::group_read, fs::perm_options::add);
  const auto refused = here.call({"submit", "recipe.yaml", "--set", "slurm.secrets_file=secrets"});
  EXPECT_EQ(refused.status, 64);
  EXPECT_THAT(refused.err, HasSubstr("is open to others"));
  EXPECT_THAT(refused.err, Not(HasSubstr("hunter2")));
}

}  // namespace
}  // namespace pst::e2e
