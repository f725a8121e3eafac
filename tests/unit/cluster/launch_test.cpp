// SPDX-License-Identifier: Apache-2.0
#include "cluster/launch.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include "cluster/program_path.hpp"
#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/fake_programs.hpp"
#include "support/strangers.hpp"

namespace pst::cluster {
namespace {

using site::ContainerKind;
using site::Launcher;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const recipe::Slurm kTwoByFour = {.nodes = 2, .ranks_per_node = 4, .cpus_per_rank = 8, .gpus_per_node = 4};

Launch launched(const site::Site& site, const std::vector<std::string>& nodes = {}, recipe::Slurm slurm = kTwoByFour) {
  return launch_in_job({.slurm = std::move(slurm), .site = site, .secrets = {{"HF_TOKEN", "hf_abc"}}},
                       rundir::RunDir("/runs/x"), 1, "/opt/w", nodes);
}

std::string line_of(const Launch& launch) { return join(launch.child.argv, " "); }

TEST(Launches, SrunCarriesTheLayout) {
  const rundir::RunDir run("/runs/50% x");
  recipe::Slurm slurm = {.nodes = 2, .ranks_per_node = 4, .cpus_per_rank = 8};

  const Launch launch = launch_in_job({.slurm = slurm, .site = {}, .secrets = {}}, run, 1, "/opt/w");

  EXPECT_EQ(launch.ranks, 8);
  EXPECT_THAT(launch.child.argv,
              testing::ElementsAre("srun", "--mpi=pmix", "--nodes=2", "--ntasks=8", "--ntasks-per-node=4",
                                   "--kill-on-bad-exit=1", "--input=none", "--unbuffered",
                                   "--output=/runs/50%% x/attempts/0001/rank-%4t.log", "--cpus-per-task=8", "/opt/w",
                                   "train", "--run", "/runs/50% x", "--attempt", "1"));
}

TEST(Launches, OneLocalRankNeedsNoMpirun) {
  const rundir::RunDir run("/runs/x");
  EXPECT_EQ(local_launch(1, {.all = 2}, run, 1, "/opt/w").child.argv.front(), "/opt/w");
  EXPECT_EQ(local_launch(4, {.all = 2}, run, 1, "/opt/w").child.argv.front(), "mpirun");
  EXPECT_EQ(local_launch(4, {.all = 2}, run, 1, "/opt/w").child.environment.at("OMP_NUM_THREADS"), "1");
}

TEST(Launches, EverySrunNamesItsMpi) {
  EXPECT_THAT(launched({.launcher = Launcher::srun_pmix}).child.argv, Contains("--mpi=pmix"));
  EXPECT_THAT(launched({.launcher = Launcher::srun_pmi2}).child.argv, Contains("--mpi=pmi2"));
  EXPECT_THAT(launched({.launcher = Launcher::srun_cray_shasta}).child.argv, Contains("--mpi=cray_shasta"));
  recipe::Slurm slurm = kTwoByFour;
  slurm.mpi = "none";
  EXPECT_THAT(launched({.launcher = Launcher::ibrun}, {}, slurm).child.argv, Contains("--mpi=none"))
      << "the recipe wins";
}

TEST(Launches, SrunBindsAsTheSiteSays) {
  EXPECT_THAT(launched({}).child.argv, Contains("--gpu-bind=none"));
  EXPECT_THAT(launched({.gpus = {.bind = "closest"}}).child.argv, Contains("--gpu-bind=closest"));
  EXPECT_THAT(line_of(launched({.gpus = {.bind = {}}})), Not(HasSubstr("--gpu-bind")));
  const std::string line =
      line_of(launched({.cpus = {.bind = "map_cpu:49,57"}, .extra_srun = {"--environment=x.toml"}}));
  EXPECT_THAT(line, HasSubstr(" --cpu-bind=map_cpu:49,57 "));
  EXPECT_THAT(line, HasSubstr(" --environment=x.toml /opt/w train "));
  recipe::Slurm no_gpus = kTwoByFour;
  no_gpus.gpus_per_node.reset();
  EXPECT_THAT(line_of(launched({}, {}, no_gpus)), Not(HasSubstr("--gpu-bind")));
}

TEST(Launches, MpirunNamesHostsAndLayout) {
  const site::Site site = {.launcher = Launcher::mpirun, .environment = {{"FI_PROVIDER", "cxi"}}};
  const Launch launch = launched(site, {"n1", "n3"});

  EXPECT_THAT(line_of(launch),
              HasSubstr("mpirun -n 8 --map-by ppr:4:node --bind-to none --host n1:4,n3:4 -x FI_PROVIDER -x HF_TOKEN -x "
                        "OMP_NUM_THREADS -x PST_RANKS -x SLURM_OVERLAP"));
  EXPECT_EQ(launch.launcher, "mpirun");
  EXPECT_EQ(launch.ranks, 8);
  EXPECT_EQ(launch.polite_signal, SIGUSR2);
  EXPECT_EQ(launch.child.output.filename(), "ranks.log");
  EXPECT_EQ(launch.child.environment.at("SLURM_OVERLAP"), "1");
  EXPECT_EQ(launch.child.environment.at("PST_RANKS"), "8") << "SLURM_STEP_NUM_TASKS would count mpirun's daemons";
  EXPECT_EQ(launch.child.environment.at("OMP_NUM_THREADS"), "8");
}

TEST(Launches, IbrunTakesTheWholeJob) {
  const Launch launch = launched({.launcher = Launcher::ibrun}, {"c1", "c2"});
  EXPECT_THAT(launch.child.argv, ElementsAre("env", "--ignore-signal=USR2", "ibrun", "-n", "8", "-o", "0", "/opt/w",
                                             "train", "--run", "/runs/x", "--attempt", "1"));
}

TEST(Launches, SecretsAreInTheEnvironmentAndInNoArgument) {
  for (const auto launcher : {Launcher::srun_pmix, Launcher::mpirun, Launcher::ibrun}) {
    const Launch launch = launched({.launcher = launcher}, {"n1"});
    EXPECT_EQ(launch.child.environment.at("HF_TOKEN"), "hf_abc");
    EXPECT_THAT(line_of(launch), Not(HasSubstr("hf_abc")));
  }
}

TEST(Launches, ApptainerWrapsTheWorkerOnly) {
  site::Site site;
  site.container = {
      .kind = ContainerKind::apptainer, .image = "/img/pst.sif", .flags = {"--nv"}, .binds = {"/data", "/a:/b"}};
  const auto argv = launched(site).child.argv;
  EXPECT_EQ(argv.front(), "srun");
  EXPECT_THAT(join(argv, " "), HasSubstr(" apptainer exec --bind /runs/x,/data,/a:/b --nv /img/pst.sif /opt/w train "));
  site.container.worker = "/usr/bin/peft-studio-worker";
  EXPECT_THAT(line_of(launched(site)), HasSubstr(" /img/pst.sif /usr/bin/peft-studio-worker train "));
  site.launcher = Launcher::mpirun;
  EXPECT_THAT(line_of(launched(site)), HasSubstr(" apptainer exec "));
}

TEST(Launches, PyxisIsToldToSrun) {
  site::Site site;
  site.container = {.kind = ContainerKind::pyxis, .image = "nvcr.io#x", .binds = {"/data", "/a:/b"}};
  EXPECT_THAT(
      line_of(launched(site)),
      HasSubstr(" --container-image=nvcr.io#x --container-mounts=/runs/x:/runs/x,/data:/data,/a:/b /opt/w train "));
}

TEST(Launches, ARunFolderThatNoContainerCanHoldIsRefused) {
  site::Site site;
  site.container = {.kind = ContainerKind::apptainer, .image = "i"};
  EXPECT_THAT(
      pst::fixture::error_of(
          Fault::usage,
          [&] { launch_in_job({.slurm = {}, .site = site, .secrets = {}}, rundir::RunDir("/runs/a,b"), 1, "/opt/w"); }),
      HasSubstr("output_dir"));
}

TEST(Launches, MpirunIsNotStartedForAUserWithoutAnEntry) {
  SKIP_UNLESS_ROOT();
  const pst::fixture::FakePrograms fake;
  pst::fixture::set_mode(fake.folder(), 0755);
  pst::fixture::set_mode(fake.add("mpirun", "exit 0"), 0755);
  EXPECT_NO_THROW(require_mpirun("use --ranks 1"));
  EXPECT_EQ(pst::fixture::as_user(
                pst::fixture::kStranger,
                [] {
                  try {
                    require_mpirun("use --ranks 1");
                    return 0;
                  } catch (const Error& error) {
                    const std::string words = error.what();
                    return words.find("uid 4242 has no entry") != words.npos && error.fault() == Fault::unfit ? 69 : 1;
                  }
                }),
            69);
}

}  // namespace
}  // namespace pst::cluster
