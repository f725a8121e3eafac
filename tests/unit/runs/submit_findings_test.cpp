// SPDX-License-Identifier: Apache-2.0
#include "runs/submit_findings.hpp"

#include <gmock/gmock.h>

namespace pst::runs {
namespace {

TEST(SubmitFindings, NameVariablesThatAreNotGivenToSlurm) {
  const std::vector<std::string> shell = {"PATH=/bin", "SBATCH_QOS=short", "SQUEUE_USERS=me", "SLURM_LABELIO=1",
                                          "SBATCH_ACCOUNT=phys"};
  recipe::Slurm slurm;
  const auto notes = about_variables(shell, slurm);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].text, "the account comes from this shell: \"SBATCH_ACCOUNT=phys\"");
  EXPECT_THAT(notes[1].text, testing::StartsWith("not given to Slurm: SBATCH_QOS, SLURM_LABELIO of this shell"));
  slurm.account = "bio";
  EXPECT_THAT(about_variables(shell, slurm).at(0).text, testing::HasSubstr("SBATCH_ACCOUNT, SBATCH_QOS"));
  EXPECT_TRUE(about_variables({"PATH=/bin", "SLURM_CONF=/etc/slurm.conf"}, slurm).empty());
  EXPECT_THAT(about_variables({"SLURM_CLUSTERS=alps"}, slurm).at(0).text, testing::HasSubstr("keep it set"));
}

using testing::HasSubstr;
using testing::SizeIs;
using Kind = Finding::Kind;

cluster::Partition partition(const char* state, const char* time, const char* nodes) {
  return {.name = "main",
          .values = {{"State", state}, {"MaxTime", time}, {"TotalNodes", nodes}, {"MaxNodes", "UNLIMITED"}}};
}

TEST(SubmitCheck, PassesSlurmsWordsOn) {
  const Finding good = about_trial({.accepted = true, .start = "2026-01-31T12:00:00", .where = "on nodes n1"});
  EXPECT_EQ(good.kind, Kind::ok);
  EXPECT_EQ(good.text, "sbatch accepts the job; as things are now it starts at 2026-01-31T12:00:00 on nodes n1");
  const Finding never = about_trial({.accepted = true, .start = "4068-06-04T09:46:41"});
  EXPECT_EQ(never.kind, Kind::ok);
  EXPECT_THAT(never.text, HasSubstr("cannot say when"));
  const Finding bad = about_trial({.accepted = false, .words = "invalid partition specified: gpux"});
  EXPECT_EQ(bad.kind, Kind::wrong);
  EXPECT_THAT(bad.text, HasSubstr("gpux"));
  EXPECT_THAT(bad.remedy, HasSubstr("slurm.partition"));
}

TEST(SubmitCheck, ComparesTheJobWithThePartition) {
  const recipe::Slurm slurm{.nodes = 4, .time = "10:00:00", .spares = 1};

  const auto good = about_partition(slurm, partition("UP", "UNLIMITED", "5"));
  ASSERT_THAT(good, SizeIs(1));
  EXPECT_EQ(good[0].kind, Kind::ok);

  const auto bad = about_partition(slurm, partition("DOWN", "04:00:00", "4"));
  ASSERT_THAT(bad, SizeIs(3));
  EXPECT_EQ(bad[0].text, "partition main is DOWN");
  EXPECT_EQ(exit_status(bad[0].fault), 69);
  EXPECT_EQ(bad[1].text, "partition main has TotalNodes=4, and the job wants 5 nodes");
  EXPECT_EQ(bad[2].text, "partition main allows 04:00:00, and slurm.time is 10:00:00");
  EXPECT_THAT(bad[2].remedy, HasSubstr("--jobs 3"));
}

TEST(SubmitCheck, WantsRoomOnTheDisk) {
  EXPECT_EQ(about_disk("/runs", 10, 11).kind, Kind::ok);
  const Finding full = about_disk("/runs", 3 << 20, 1 << 20);
  EXPECT_EQ(full.kind, Kind::wrong);
  EXPECT_EQ(exit_status(full.fault), 69);
  EXPECT_THAT(full.remedy, HasSubstr("free 2.0 MiB"));
}

TEST(SubmitCheck, WantsFilesAndQuota) {
  EXPECT_EQ(about_files("/runs", 50, 51).kind, Kind::ok);
  EXPECT_EQ(about_files("/runs", 50, 50).kind, Kind::wrong);
  EXPECT_EQ(about_files("/runs", 50, std::nullopt).kind, Kind::note);

  const cluster::Quota quota{.used_bytes = 6 << 20, .bytes = 10 << 20, .used_files = 90, .files = 100};
  const Finding fits = about_quota({quota, "quota"}, 1 << 20, 5);
  EXPECT_EQ(fits.kind, Kind::ok);
  EXPECT_EQ(fits.text, "quota: 4.0 MiB left of your 10.0 MiB, 10 left of your 100 files");
  EXPECT_EQ(about_quota({quota, "quota"}, 5 << 20, 5).kind, Kind::wrong);
  EXPECT_EQ(about_quota({quota, "quota"}, 1 << 20, 10).kind, Kind::wrong);
  EXPECT_EQ(about_quota({cluster::Quota{.used_bytes = 6}, "quota"}, 1 << 20, 10).text,
            "quota: you have no limit there");
  const Finding unknown = about_quota({std::nullopt, "no program quota here"}, 1 << 20, 10);
  EXPECT_EQ(unknown.kind, Kind::note);
  EXPECT_THAT(unknown.text, HasSubstr("no program quota here"));
}

}  // namespace
}  // namespace pst::runs
