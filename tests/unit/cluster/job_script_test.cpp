// SPDX-License-Identifier: Apache-2.0
#include "cluster/job_script.hpp"

#include <gmock/gmock.h>

#include "cluster/capture.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "site/load_profile.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"
#include "support/fake_programs.hpp"
#include "unit/cluster/full_job.hpp"

namespace pst::cluster {
namespace {

using testing::HasSubstr;
using testing::Not;

using fixture::full_job;

/// A recipe for GPUs that says only what a recipe has to, on a shipped site.
Job job_on(const std::string& name) {
  const fs::path folder = fs::path(PST_SOURCE_DIR) / "configs/sites";
  Job job = full_job();
  job.site = site::load(folder / (name + ".yaml"), {folder});
  job.slurm = {
      .nodes = 2, .ranks_per_node = 4, .cpus_per_rank = 7, .gpus_per_node = 4, .time = "02:00:00", .account = "abc123"};
  return job;
}

void expect_golden(const std::string& script, const std::string& file) {
  const fs::path golden = fs::path(PST_SOURCE_DIR) / "tests/golden" / file;
  if (std::getenv("PST_UPDATE_GOLDEN") != nullptr) write_durably(golden, script);
  EXPECT_EQ(script, read_file(golden))
      << "changed on purpose? PST_UPDATE_GOLDEN=1 cluster_test, and look at the difference";
}

TEST(JobScript, IsTheTextWePromise) {
  expect_golden(job_script(full_job()), "job_script.sh");
  expect_golden(job_script(job_on("olcf-frontier")), "job_script_frontier.sh");
  expect_golden(job_script(job_on("cscs-alps")), "job_script_alps.sh");
}

TEST(JobScript, ASupervisorThatWasKilledIsFollowedByOneThatIsToldSo) {
  const pst::fixture::FakePrograms fake;
  const pst::fixture::TemporaryDirectory dir;
  Job job = full_job();
  job.run_dir = dir.path();
  job.program = fake.add("peft-studio", cat("echo \"$*\" >>'", (dir / "calls").string(), "'; umask >'",
                                            (dir / "umask").string(), "'; test $# -gt 2 && exit 76; kill -KILL $$"));
  write_durably(dir / "job.sh", job_script(job));

  const auto ended = capture({.argv = {"bash", "-c", "umask 077; exec bash " + (dir / "job.sh").string()}});

  EXPECT_EQ(ended.status, 76) << ended.words();
  EXPECT_THAT(read_file(dir / "calls"), testing::MatchesRegex(cat("supervise ", dir.path().string(), "\nsupervise ",
                                                                  dir.path().string(), " --again-since [0-9]+\n")));
  EXPECT_EQ(read_file(dir / "umask"), "0077\n") << "never less than the submitting shell keeps back";
}

TEST(JobScript, EverySiteGetsItsFormOfAGpuRequest) {
  const auto script = [](const std::string& site) { return job_script(job_on(site)); };
  EXPECT_THAT(script("nersc-perlmutter"), HasSubstr("#SBATCH --gpus-per-node=4\n"));
  EXPECT_THAT(script("jsc-juwels-booster"), HasSubstr("#SBATCH --gres=gpu:4\n"));
  Job vista = job_on("tacc-vista");
  vista.slurm.gpus_per_node = 1;
  EXPECT_THAT(job_script(vista), Not(testing::ContainsRegex("--g(res|pus)")));
}

TEST(JobScript, AQueueThatIsAQosIsAskedForAsOne) {
  const std::string script = job_script(job_on("nersc-perlmutter"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --qos=regular\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --constraint=gpu "));
  EXPECT_THAT(script, Not(HasSubstr("--partition")));
}

TEST(JobScript, TheRecipeComesBeforeTheSite) {
  Job job = job_on("nersc-perlmutter");
  job.slurm.partition = "preempt";
  job.slurm.constraint = "gpu&hbm80g";
  const std::string script = job_script(job);
  EXPECT_THAT(script, HasSubstr("#SBATCH --qos=preempt\n"));
  EXPECT_THAT(script, HasSubstr("#SBATCH --constraint=\"gpu&hbm80g\""));
}

TEST(JobScript, EveryLimitOfTheSiteIsNamedAtOnce) {
  Job job = job_on("olcf-frontier");
  job.slurm.account.reset();
  job.slurm.time = "12:00:00";
  const std::string words = pst::fixture::error_of(Fault::usage, [&] { job_script(job); });
  EXPECT_THAT(words, HasSubstr("olcf-frontier wants an account for every job; set slurm.account"));
  EXPECT_THAT(words, HasSubstr("allows 02:00:00 for 1-91 nodes, and slurm.time is 12:00:00"));
  EXPECT_THAT(words, HasSubstr("(2 problems, nothing started)"));
  EXPECT_THAT(words, HasSubstr("peft-studio site show olcf-frontier"));
}

TEST(JobScript, AMachineWithoutSlurmHasNone) {
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [] { job_script(job_on("laptop")); }),
              HasSubstr("peft-studio train"));
}

TEST(JobScript, SetUpOfTheSiteStandsBeforeTheCall) {
  Job job = full_job();
  job.site.modules = {"gcc/12", "openmpi/4.1.6"};
  job.site.setup = {"source /opt/env.sh"};
  job.site.environment = {{"NCCL_NET", "AWS Libfabric"}, {"X", "it's"}};
  job.site.scratch = "/mnt/bb/$USER";
  job.site.requeue.allowed = false;
  job.site.signal = {.name = site::WarningSignal::usr1, .lead_s = 300};
  job.site.cpus.hint = "nomultithread";
  job.site.exclusive = site::Exclusive::several_nodes;
  job.slurm.exclusive = false;
  job.slurm.mem.reset();
  job.site.memory = "0";

  const std::string script = job_script(job);

  for (const char* line :
       {"load_module 'gcc/12'\nload_module 'openmpi/4.1.6'\n", "\nsource /opt/env.sh\n",
        "export NCCL_NET='AWS Libfabric'\nexport X='it'\\''s'\n", "export TMPDIR=\"/mnt/bb/$USER\"",
        "#SBATCH --no-requeue ", "#SBATCH --signal=B:USR1@300 ", "trap 'kill -USR2 \"$supervisor\" 2>/dev/null' USR1\n",
        "#SBATCH --hint=nomultithread\n", "#SBATCH --exclusive ", "#SBATCH --mem=0 "})
    EXPECT_THAT(script, HasSubstr(line));
  EXPECT_THAT(script, Not(HasSubstr("#SBATCH --requeue")));
  EXPECT_THAT(script, Not(HasSubstr("#if")));
  EXPECT_LT(script.find("load_module 'gcc"), script.find("source /opt"));
  EXPECT_LT(script.find("export X="), script.find("for _ in 1 2 3"));
}

TEST(JobScript, ALauncherThatTakesTheWholeJobHasNoSparesAndOutlivesNoNode) {
  Job job = job_on("tacc-vista");
  job.slurm.gpus_per_node.reset();
  EXPECT_THAT(job_script(job), Not(HasSubstr("--no-kill")));
  job.slurm.spares = 1;
  EXPECT_THAT(pst::fixture::error_of(Fault::usage, [&] { job_script(job); }),
              HasSubstr("ibrun, always takes all nodes"));
}

TEST(JobScript, TheSiteMayExportMore) {
  EXPECT_THAT(
      variables_to_export({"LICENSE_FILE=x", "SITE_A=1", "SITE_TOKEN=x", "OTHER=1"}, {"LICENSE_FILE", "SITE_*"}),
      testing::ElementsAre("LICENSE_FILE", "SITE_A"));
}

TEST(JobScript, LeavesOutWhatTheRecipeLeavesOut) {
  Job job = full_job();
  job.slurm = {};
  const std::string script = job_script(job);

  for (const char* option : {"--account", "--partition", "--mem", "--gpus-per-node", "--cpus-per-task", "--exclusive"})
    EXPECT_THAT(script, Not(HasSubstr(option)));
  EXPECT_THAT(script, HasSubstr("#SBATCH --nodes=1\n#SBATCH --ntasks-per-node=1                 # one worker "
                                "each\n#SBATCH --time=01:00:00\n"));
  EXPECT_THAT(script, Not(testing::ContainsRegex("@[a-z_]+@"))) << "a placeholder is left";
}

TEST(JobScript, RefusesWhatCannotBeWrittenAndNamesIt) {
  const auto complaint = [](auto change) {
    Job job = full_job();
    change(job);
    try {
      job_script(job);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      return std::string(error.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(complaint([](Job& j) { j.slurm.account = "x\n#SBATCH --nodes=9"; }), HasSubstr("slurm.account is"));
  EXPECT_THAT(complaint([](Job& j) { j.slurm.time = ""; }), HasSubstr("slurm.time is empty"));
  EXPECT_THAT(complaint([](Job& j) { j.slurm.nodes = 0; }), HasSubstr("slurm.nodes is 0"));
  EXPECT_THAT(complaint([](Job& j) { j.run_dir = "/a\nb"; }), HasSubstr("the run's folder is"));
}

TEST(JobScript, ExportsAShortListAndNoSecrets) {
  const auto names =
      variables_to_export({"PATH=/bin", "HF_TOKEN=x", "AWS_SECRET_ACCESS_KEY=x", "OMPI_MCA_btl=tcp", "NCCL_API_KEY=x",
                           "HOME=/h", "FI_evil$(id)=x", "NCCL_a,b=x", "PATH=/again", "broken"});
  EXPECT_THAT(names, testing::ElementsAre("HOME", "OMPI_MCA_btl", "PATH"));
  EXPECT_THAT(variables_to_export({}), testing::ElementsAre("PATH"));
}

TEST(JobScript, WarnsLongBeforeTheEndButNotForMostOfTheJob) {
  EXPECT_EQ(warning_seconds({.time = "10:00:00"}), 150);
  EXPECT_EQ(warning_seconds({.time = "00:05:00"}), 100);
  EXPECT_EQ(warning_seconds({.time = "10:00:00"}, {}, 0.2), 91) << "once it is known what a checkpoint takes";
  EXPECT_EQ(warning_seconds({.time = "10:00:00"}, {}, 120.0), 330);
  EXPECT_EQ(warning_seconds({.time = "10:00:00"}, {.lead_s = 60}, 120.0), 60) << "the site's word counts";
  EXPECT_FALSE(warning_seconds({.time = "UNLIMITED"}));
}

TEST(JobScript, OutlivesANodeOnlyWhenThereIsAWayOn) {
  Job job = full_job();
  const auto no_kill = [&] { return job_script(job).find("#SBATCH --no-kill ") != std::string::npos; };
  EXPECT_TRUE(no_kill());
  job.slurm.shrink = false;
  EXPECT_FALSE(no_kill());
  job.slurm.spares = 1;
  EXPECT_TRUE(no_kill());
  EXPECT_THAT(job_script(job), HasSubstr("#SBATCH --nodes=3\n"));
}

}  // namespace
}  // namespace pst::cluster
