// SPDX-License-Identifier: Apache-2.0
#include "site/slurm_facts.hpp"

#include <gmock/gmock.h>

#include "site/shape.hpp"
#include "unit/site/profiles.hpp"

namespace pst::site {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// As Slurm 22.05 prints it; `gpu` has nodes of two kinds.
SlurmFacts facts() {
  SlurmFacts facts;
  facts.host = "login03.cluster";
  read_sinfo(
      "gpu*|1-00:00:00|1-16|12|128|500000+|gpu:a100:4(S:0-1)\n"
      "gpu*|1-00:00:00|1-16|4|64|250000|gpu:a100:2(S:0)\n"
      "cpu|infinite|1-infinite|100|64|250000|(null)\n"
      "a line of the site's greeting\n",
      facts);
  read_config(
      "Configuration data as of 2026-01-01T00:00:00\n"
      "ClusterName             = ours\n"
      "JobRequeue              = 1\n"
      "PreemptMode             = GANG,REQUEUE\n"
      "SelectType              = select/cons_tres\n"
      "SLURM_VERSION           = 22.05.8\n",
      facts);
  read_partitions(
      "PartitionName=gpu AllowGroups=ALL Default=YES MaxNodes=8 MaxTime=12:00:00 State=UP\n"
      "PartitionName=cpu Default=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED State=UP\n"
      "PartitionName=hidden Default=NO MaxNodes=1 MaxTime=1 State=UP\n",
      facts);
  read_mpi_list(
      "MPI plugin types are...\n\tpmix\n\tnone\n\tcray_shasta\n\tpmi2\n"
      "specific pmix plugin versions available: pmix_v4\n",
      facts);
  return facts;
}

TEST(SlurmFacts, AreReadFromWhatTheCommandsPrint) {
  const SlurmFacts all = facts();

  ASSERT_EQ(all.partitions.size(), 2u);
  const PartitionFacts& gpu = all.partitions[0];
  EXPECT_EQ(gpu.name, "gpu");
  EXPECT_TRUE(gpu.is_default);
  EXPECT_EQ(gpu.nodes, 16);
  EXPECT_EQ(gpu.cpus_per_node, 64) << "the least, where nodes differ";
  EXPECT_EQ(gpu.memory_mb, 250000);
  EXPECT_EQ(gpu.gpus_per_node, 2);
  EXPECT_EQ(gpu.gpu_type, "a100");
  EXPECT_EQ(gpu.max_nodes, 8) << "scontrol knows it better than sinfo";
  EXPECT_EQ(gpu.max_time, "12:00:00");
  EXPECT_FALSE(all.partitions[1].max_time);
  EXPECT_FALSE(all.partitions[1].max_nodes);
  EXPECT_THAT(all.mpi_types, ElementsAre("pmix", "none", "cray_shasta", "pmi2"));
  EXPECT_EQ(all.cluster, "ours");
}

TEST(Draft, IsAProfileThatAgreesWithSlurm) {
  const fixture::Profiles files;
  const auto file = files.write("a", "ours", draft(facts(), "ours"));

  const Site site = load(file, {fixture::kShipped});

  EXPECT_THAT(differences(site, facts()), IsEmpty());
  EXPECT_EQ(site.launcher, Launcher::srun_pmix);
  EXPECT_EQ(site.tested, Tested::probed);
  EXPECT_EQ(site.requeue.preempt_mode, PreemptMode::requeue);
  EXPECT_THAT(site.match.host, ElementsAre("^login[0-9]+\\.cluster$"));
  ASSERT_EQ(site.partitions.size(), 2u);
  EXPECT_EQ(site.partitions[0].gpus_per_node, 2);
  EXPECT_EQ(choose("auto", fixture::host("login12.cluster"), {files.folder("a"), fixture::kShipped}).site.name, "ours");
}

TEST(Draft, SaysOnlyWhatIsNotTheDefault) {
  const std::string yaml = draft(facts(), "ours");
  EXPECT_THAT(yaml, HasSubstr("\npartitions:\n  - {name: gpu, default: true, max_nodes: 8"));
  for (const char* usual : {"container", "launcher:", "modules:", "null"}) EXPECT_THAT(yaml, Not(HasSubstr(usual)));
}

TEST(Draft, OfHostileWordsIsStillAProfile) {
  SlurmFacts hostile = facts();
  hostile.cluster = "x\nsetup: [evil]";
  hostile.version = "\"}\n- evil";
  hostile.host = "a(b[c\n";
  hostile.partitions[0].gpu_type = "a b\"";
  const fixture::Profiles files;
  const Site site = load(files.write("a", "ours", draft(hostile, "ours")), {fixture::kShipped});
  EXPECT_THAT(site.setup, IsEmpty());
}

TEST(Differences, NameWhatSlurmSays) {
  Site site = parse(
      "name: x\nlauncher: srun_cray_shasta\npartitions:\n"
      "  - {name: gpu, max_time: 1-00:00:00, max_nodes: 9, cpus_per_node: 128, gpus_per_node: 4}\n"
      "  - {name: gone}\n  - {name: debug, asked_by: qos}\n",
      "s.yaml");
  SlurmFacts slurm = facts();
  slurm.mpi_types = {"pmix"};
  slurm.gpu_options = false;

  EXPECT_THAT(differences(site, slurm),
              ElementsAre("partition gpu: max_time is 1-00:00:00, and Slurm allows 12:00:00",
                          "partition gpu: max_nodes is 9, and Slurm allows 8",
                          "partition gpu: cpus_per_node is 128, and its smallest node has 64",
                          HasSubstr("gpus_per_node is 4, and Slurm hands out 2"),
                          "partition gone is not known to Slurm, which has: gpu, cpu", HasSubstr("use gres"),
                          "launcher is srun_cray_shasta, and `srun --mpi=list` has: pmix"));
}

TEST(Shape, HasWhatAJobMayAskFor) {
  const std::string lines = slurm_conf_of(
      parse("name: x\ngpus: {request: gres, gres: 'gpu:a100'}\npartitions:\n"
            "  - {name: a, default: true, constraint: 'big&fast', gpus_per_node: 4, cpus_per_node: 32, max_time: 2}\n"
            "  - {name: b, asked_by: qos}\n"
            "  - {name: c, max_time_by_nodes: [{nodes_up_to: 2, time: 1}, {nodes_up_to: 4, time: 120}]}\n",
            "s.yaml"),
      16);

  EXPECT_THAT(lines, HasSubstr("NodeName=p[1-16] CPUs=256"));
  EXPECT_THAT(lines, HasSubstr(" Gres=gpu:a100:8 Features=big,fast State=CLOUD\n"));
  EXPECT_THAT(lines, HasSubstr("PartitionName=a Nodes=ALL State=UP Default=YES MaxTime=00:02:00\n"));
  EXPECT_THAT(lines, HasSubstr("PartitionName=c Nodes=ALL State=UP Default=NO MaxTime=02:00:00 MaxNodes=4\n"));
  EXPECT_THAT(lines, Not(HasSubstr("PartitionName=b")));
}

}  // namespace
}  // namespace pst::site
