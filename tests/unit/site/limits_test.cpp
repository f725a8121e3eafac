// SPDX-License-Identifier: Apache-2.0
#include "site/limits.hpp"

#include <gmock/gmock.h>

#include "unit/site/profiles.hpp"

namespace pst::site {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Site shipped(const std::string& name) { return choose(name, fixture::host("h"), {fixture::kShipped}).site; }

TEST(Limits, TimeByNumberOfNodesNamesTheLimitAndTheWayOut) {
  const Site frontier = shipped("olcf-frontier");
  const Request request = {.nodes = 16, .account = "abc", .time = "06:00:00"};

  EXPECT_THAT(
      objections(frontier, request),
      ElementsAre("partition batch of olcf-frontier allows 02:00:00 for 1-91 nodes, and slurm.time is 06:00:00; "
                  "set it to at most 02:00:00 (92-183 nodes may run for 06:00:00): a run that needs longer goes "
                  "on in the next job"));
  EXPECT_THAT(objections(frontier, {.nodes = 92, .account = "abc", .time = "06:00:00"}), IsEmpty());
  EXPECT_THAT(objections(frontier, {.nodes = 91, .account = "abc", .time = "02:00:00"}), IsEmpty());
  EXPECT_THAT(objections(frontier, {.nodes = 9473, .account = "abc", .time = "01:00:00"}),
              ElementsAre(HasSubstr("takes jobs of at most 9472 nodes, and slurm.nodes + slurm.spares is 9473")));
}

TEST(Limits, EverythingIsSaidAtOnce) {
  const auto all =
      objections(shipped("lumi-g"),
                 {.nodes = 2000, .ranks_per_node = 8, .cpus_per_rank = 8, .gpus_per_node = 9, .time = "UNLIMITED"});
  EXPECT_THAT(all, ElementsAre(HasSubstr("wants an account for every job; set slurm.account"),
                               HasSubstr("at most 1024 nodes"), HasSubstr("allows 2-00:00:00 for a job"),
                               HasSubstr("has 8 GPUs, and slurm.gpus_per_node is 9; set it to at most 8"),
                               HasSubstr("56 cores, and slurm.ranks_per_node x slurm.cpus_per_rank is 64; set "
                                         "slurm.cpus_per_rank to at most 7")));
}

TEST(Limits, NodeHoursAreSharedOut) {
  const Site alps = shipped("cscs-alps");
  EXPECT_THAT(objections(alps, {.nodes = 2, .partition = "debug", .time = "00:45:00"}), IsEmpty());
  EXPECT_THAT(objections(alps, {.nodes = 2, .partition = "debug", .time = "00:46:00"}),
              ElementsAre(HasSubstr("allows 00:45:00 for 2 nodes")));
}

TEST(Limits, MemoryIsCompared) {
  const Site site = parse("name: x\npartitions: [{name: p, memory_per_node: 480G}]\n", "s.yaml");
  EXPECT_THAT(objections(site, {.memory = "480G", .time = "1"}), IsEmpty());
  EXPECT_THAT(objections(site, {.memory = "1T", .time = "1"}), ElementsAre(HasSubstr("gives a job 480G of memory")));
  EXPECT_THAT(objections(site, {.memory = "0", .time = "1"}), IsEmpty());
}

TEST(Limits, OfAPartitionThatTheProfileDoesNotListNothingIsKnown) {
  EXPECT_THAT(objections(shipped("cscs-alps"), {.nodes = 5000, .partition = "special", .time = "9-00:00:00"}),
              IsEmpty());
}

TEST(Limits, AQosIsAPartitionWhereTheSiteCallsItSo) {
  const Site perlmutter = shipped("nersc-perlmutter");
  EXPECT_EQ(partition_for(perlmutter, {}, {})->name, "regular");
  EXPECT_EQ(partition_for(perlmutter, {}, "debug")->name, "debug");
  EXPECT_EQ(partition_for(perlmutter, "preempt", {})->name, "preempt");
  EXPECT_EQ(partition_for(shipped("generic"), {}, {}), nullptr);
}

}  // namespace
}  // namespace pst::site
