// SPDX-License-Identifier: Apache-2.0
#include "cluster/slurm_limits.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "support/fake_programs.hpp"

namespace pst::cluster {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(TryOut, GivesTheScriptToSbatchAndReadsWhenItWouldStart) {
  fixture::FakePrograms fake;
  fake.add(
      "sbatch",
      "test \"$*\" = --test-only && test \"$(cat)\" = 'the script' || exit 1\n"
      "echo 'sbatch: Job 7 to start at 2026-01-31T12:00:00 using 2 processors on nodes n[1-2] in partition main' >&2");

  const Trial trial = try_out("the script");

  EXPECT_TRUE(trial.accepted);
  EXPECT_EQ(trial.start, "2026-01-31T12:00:00");
  EXPECT_EQ(trial.where, "on nodes n[1-2] in partition main");
}

TEST(TryOut, PassesARefusalOnAndThrowsOnlyWithoutAnAnswer) {
  fixture::FakePrograms fake;
  fake.add("sbatch", "cat >/dev/null; echo 'allocation failure: Invalid account' >&2; exit 1");
  EXPECT_FALSE(try_out("x").accepted);
  EXPECT_THAT(try_out("x").words, HasSubstr("Invalid account"));
  fake.add("sbatch", "cat >/dev/null; echo 'Unable to contact slurm controller' >&2; exit 1");
  EXPECT_THROW(try_out("x"), Error);
}

TEST(RefusalRemedies, NameTheKeyToChange) {
  for (const auto& [words, key] : std::vector<std::pair<const char*, const char*>>{
           {"invalid partition specified: gpux", "slurm.partition"},
           {"Invalid account or account/partition combination specified", "slurm.account"},
           {"Requested time limit is invalid (missing or exceeds some limit)", "slurm.time"},
           {"Requested node configuration is not available", "slurm.nodes"},
           {"Invalid generic resource (gres) specification", "slurm.gpus_per_node"},
           {"Invalid feature specification", "slurm.constraint"},
           {"Memory specification can not be satisfied", "slurm.mem"},
           {"Requested reservation is invalid", "slurm.reservation"},
           {"Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)", "QOS"},
           {"something new", "slurm section"}})
    EXPECT_THAT(remedy_for_refusal(words), HasSubstr(key)) << words;
}

TEST(APartition, IsTheNamedOrTheDefaultOne) {
  fixture::FakePrograms fake;
  fake.add("scontrol",
           "echo 'PartitionName=debug Default=NO MaxTime=00:30:00 State=UP TotalNodes=2'\n"
           "echo 'PartitionName=main AllowGroups=ALL Default=YES MaxNodes=UNLIMITED MaxTime=1-00:00:00 State=UP "
           "TotalNodes=4'");

  EXPECT_EQ(partition(std::nullopt)->name, "main");
  EXPECT_EQ(partition(std::nullopt)->value("MaxTime"), "1-00:00:00");
  EXPECT_EQ(partition("debug")->value("TotalNodes"), "2");
  EXPECT_FALSE(partition("none"));
  fake.add("scontrol", "exit 1");
  EXPECT_FALSE(partition("main"));
}

TEST(Limits, AreAskedForOnlyWhereThereIsADatabase) {
  fixture::FakePrograms fake;
  fake.add("sacctmgr", "echo 'a|main|normal|1-00:00:00|||8'");
  fake.add("scontrol", "echo 'AccountingStorageType   = accounting_storage/none'");
  EXPECT_FALSE(association_limits());
  fake.add("scontrol", "echo 'AccountingStorageType   = accounting_storage/slurmdbd'");
  EXPECT_THAT(*association_limits(), ElementsAre("a|main|normal|1-00:00:00|||8"));
}

TEST(WaitingJobs, AreCounted) {
  fixture::FakePrograms fake;
  fake.add("squeue", "echo 1; echo 2; echo 3_1");
  EXPECT_EQ(waiting_jobs("main"), 3);
  fake.add("squeue", "exit 1");
  EXPECT_FALSE(waiting_jobs("main"));
}

}  // namespace
}  // namespace pst::cluster
