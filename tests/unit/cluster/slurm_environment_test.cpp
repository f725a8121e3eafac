// SPDX-License-Identifier: Apache-2.0
// Every command of Slurm is called with the environment that we chose: stand-ins write down what they are given.
#include <gmock/gmock.h>

#include <chrono>
#include <fstream>
#include <map>
#include <thread>

#include "cluster/child.hpp"
#include "cluster/launch.hpp"
#include "cluster/slurm.hpp"
#include "cluster/slurm_job.hpp"
#include "cluster/slurm_limits.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/strings.hpp"
#include "support/environment.hpp"
#include "support/fake_programs.hpp"
#include "support/run_fixture.hpp"

namespace pst::cluster {
namespace {

const std::vector<std::string> kHostile = {
    "SBATCH_PARTITION", "SBATCH_QOS",      "SBATCH_MEM_PER_NODE", "SBATCH_OUTPUT",     "SBATCH_EXPORT",
    "SBATCH_TIMELIMIT", "SBATCH_CLUSTERS", "SQUEUE_PARTITION",    "SQUEUE_USERS",      "SQUEUE_FORMAT",
    "SQUEUE_STATES",    "SCANCEL_STATE",   "SCANCEL_USER",        "SLURM_TIME_FORMAT", "SINFO_FORMAT",
    "SACCT_FORMAT",     "SRUN_OUTPUT",     "SRUN_EXPORT_ENV",     "SLURM_LABELIO",     "SLURM_TIMELIMIT",
    "SLURM_STDOUTMODE", "SLURM_IMMEDIATE", "SLURM_TEST_EXEC"};

class SlurmEnvironment : public testing::Test {
 protected:
  SlurmEnvironment() {
    for (const auto& name : kHostile) set_.push_back(std::make_unique<fixture::Variable>(name, "hostile"));
    for (const auto& [name, value] : std::map<std::string, std::string>{{"SLURM_CONF", "/etc/slurm.conf"},
                                                                        {"SLURM_CLUSTERS", "alps"},
                                                                        {"SLURM_JOB_ID", "7"},
                                                                        {"PST_OURS", "kept"}})
      set_.push_back(std::make_unique<fixture::Variable>(name, value));
    for (const char* program : {"sbatch", "squeue", "scontrol", "scancel", "sinfo", "sacctmgr", "srun", "mpirun"})
      fake.add(program,
               cat("env >'", (dir_ / "seen").string(), ".'$$; echo ", program, " >>'", (dir_ / "called").string(),
                   "'; echo 12; echo 'AccountingStorageType = accounting_storage/slurmdbd'"));
  }

  /// What all the commands that ran so far were given.
  std::vector<std::string> seen() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(dir_.path()))
      if (entry.path().filename().string().starts_with("seen.")) all.push_back(read_file(entry.path()));
    return all;
  }
  std::string called() const { return read_file(dir_ / "called"); }

  template <class Body>
  void quietly(Body body) {
    try {
      body();
    } catch (const Error&) {
      // What the stand-ins say is of no use; they were called.
    }
  }
  void run(const ChildSettings& settings) {
    Child child(settings);
    while (!child.poll()) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }

  fixture::FakePrograms fake;
  fixture::TemporaryDirectory dir_;
  std::vector<std::unique_ptr<fixture::Variable>> set_;
};

TEST_F(SlurmEnvironment, IsChosenForEveryCommand) {
  quietly([] { submit("/job.sh"); });
  quietly([] { queued_jobs_of("/job.sh"); });
  quietly([] { try_out("script"); });
  quietly([] { job_states({"12"}); });
  quietly([] { cancel("12"); });
  quietly([] { warn("12"); });
  quietly([] { partition("main"); });
  quietly([] { waiting_jobs("main"); });
  quietly([] { association_limits(); });
  quietly([] { node_names("n[1-2]"); });
  quietly([] { answers("n1"); });
  quietly([] { end_steps("12", "pst-attempt-1"); });
  quietly([] { requeue("12"); });
  quietly([] { mail_program(); });
  run(on_node("n1", "watch", {"true"}, dir_ / "log"));
  const auto made = fixture::new_run(dir_.path(), "x");
  made.begin_attempt();
  for (const auto launcher : {site::Launcher::srun_pmix, site::Launcher::mpirun}) {
    site::Site site;
    site.launcher = launcher;
    run(launch_in_job({.slurm = {}, .site = site, .secrets = {}}, made, 1, "/bin/true", {}).child);
  }

  EXPECT_GE(seen().size(), 18u);
  for (const auto& environment : seen()) {
    for (const auto& name : kHostile)
      EXPECT_THAT(environment, testing::Not(testing::HasSubstr(name + "="))) << called();
    for (const char* wanted : {"SLURM_CONF=/etc/slurm.conf", "SLURM_CLUSTERS=alps", "PST_OURS=kept", "PATH="})
      EXPECT_THAT(environment, testing::HasSubstr(wanted));
  }
}

TEST_F(SlurmEnvironment, WhatSlurmToldTheJobReachesSrunOnly) {
  quietly([] { submit("/job.sh"); });
  EXPECT_THAT(seen().at(0), testing::Not(testing::HasSubstr("SLURM_JOB_ID=")));
  fs::remove_all(dir_.path());
  fs::create_directory(dir_.path());

  run(on_node("n1", "watch", {"true"}, dir_ / "log"));

  EXPECT_THAT(seen().at(0), testing::HasSubstr("SLURM_JOB_ID=7"));
}

}  // namespace
}  // namespace pst::cluster
