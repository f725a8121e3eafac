// SPDX-License-Identifier: Apache-2.0
#include "config/slurm_variables.hpp"

#include <gmock/gmock.h>

namespace pst::config {
namespace {

TEST(SlurmVariables, CommandsThatAskOrSubmitGetOnlyWhereSlurmIs) {
  for (const char* program : {"sbatch", "/usr/bin/squeue", "scontrol", "scancel", "sinfo", "sacct", "sacctmgr"}) {
    for (const char* option : {"SBATCH_PARTITION", "SQUEUE_USERS", "SINFO_FORMAT", "SCANCEL_STATE", "SLURM_TIME_FORMAT",
                               "SLURM_NTASKS", "SLURM_JOB_ID", "SLURM_MEM_PER_NODE", "_SLURM_SPANK_OPTION_tmp_size"})
      EXPECT_FALSE(is_given(program, option)) << program << ' ' << option;
    for (const char* wanted : {"SLURM_CONF", "SLURM_CLUSTERS", "SLURM_JWT", "PATH", "HOME", "LD_LIBRARY_PATH"})
      EXPECT_TRUE(is_given(program, wanted)) << program << ' ' << wanted;
  }
}

TEST(SlurmVariables, SrunKeepsWhatTheJobIs) {
  for (const char* program : {"srun", "mpirun", "env"}) {
    for (const char* of_the_job :
         {"SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_NTASKS", "SLURM_EXPORT_ENV", "SLURM_CONF", "SLURM_HINT",
          "SLURM_OVERLAP", "SLURM_UMASK", "_SLURM_SPANK_OPTION_tmp_size"})
      EXPECT_TRUE(is_given(program, of_the_job)) << program << ' ' << of_the_job;
    for (const char* option : {"SRUN_ERROR", "SLURM_LABELIO", "SLURM_TIMELIMIT", "SLURM_KILL_BAD_EXIT", "SBATCH_QOS"})
      EXPECT_FALSE(is_given(program, option)) << program << ' ' << option;
  }
}

TEST(SlurmVariables, OtherProgramsGetEverything) {
  EXPECT_TRUE(is_given("bash", "SBATCH_QOS"));
  EXPECT_TRUE(is_given("/home/me/bin/tell-me", "SQUEUE_USERS"));
}

TEST(SlurmVariables, NamesWhatIsWithheld) {
  EXPECT_THAT(withheld_options({"SQUEUE_USERS=a", "PATH=/bin", "SBATCH_QOS=short", "SLURM_JOB_ID=1", "SLURM_LABELIO="}),
              testing::ElementsAre("SBATCH_QOS", "SLURM_LABELIO", "SQUEUE_USERS"));
}

}  // namespace
}  // namespace pst::config
