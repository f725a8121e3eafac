// SPDX-License-Identifier: Apache-2.0
#include "runs/gpus_of_job.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "support/environment.hpp"
#include "support/temporary_directory.hpp"

namespace pst::runs {
namespace {

using recipe::DeviceChoice;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class GpusOfAJob : public testing::Test {
 protected:
  GpusOfAJob() {
    site_.name = "alp";
    site_.partitions = {{.name = "thin", .is_default = true}, {.name = "fat", .gpus_per_node = 4}};
    recipe_.slurm.partition = "fat";
    recipe_.slurm.ranks_per_node = 4;
  }
  GpusOfJob asked(bool has_module = true) const { return gpus_of_job(recipe_, site_, has_module); }

  site::Site site_;
  recipe::Recipe recipe_;
};

TEST_F(GpusOfAJob, AreOneForEachRankWhereThePartitionHasThem) {
  EXPECT_EQ(asked().per_node, 4);
  EXPECT_EQ(asked().reason, "partition fat of alp has 4 on each node");
  recipe_.slurm.ranks_per_node = 1;
  EXPECT_EQ(asked().per_node, 1);
  recipe_.train.device = DeviceChoice::cuda;
  EXPECT_EQ(asked().per_node, 1);
}

TEST_F(GpusOfAJob, AreThoseOfTheRecipeWhereItSays) {
  recipe_.slurm.gpus_per_node = 2;
  recipe_.slurm.partition = "thin";

  EXPECT_EQ(asked(false).per_node, 2);
  EXPECT_THAT(ask_for_gpus(recipe_, site_), IsEmpty());
}

TEST_F(GpusOfAJob, AreNoneWhereTheyCannotBeUsed) {
  EXPECT_THAT(asked(false).reason, HasSubstr("no code for GPUs"));
  recipe_.slurm.ranks_per_node = 5;
  EXPECT_THAT(asked().reason, HasSubstr("4 GPUs on each node, for 5 ranks"));
  site_.gpus.cuda = false;
  EXPECT_THAT(asked().reason, HasSubstr("are not NVIDIA's"));
  EXPECT_TRUE(asked().are_there);

  recipe_.slurm.partition = "thin";
  EXPECT_THAT(asked().reason, HasSubstr("names no GPUs for partition thin of alp"));
  recipe_.slurm.partition = "unheard-of";
  EXPECT_THAT(asked().reason, HasSubstr("does not say what the job's partition has"));
  recipe_.train.device = DeviceChoice::cpu;
  EXPECT_EQ(asked().reason, "train.device is cpu");
  EXPECT_FALSE(asked().are_there || asked().per_node || asked(false).per_node);
}

TEST_F(GpusOfAJob, TheUserIsToldWhatWasDecided) {
  const fixture::TemporaryDirectory dir;
  write_durably(dir / "module.so", "");
  {
    const fixture::Variable module("PST_CUDA_MODULE", (dir / "none.so").string());
    EXPECT_THAT(ask_for_gpus(recipe_, site_), HasSubstr("asks for no GPUs: this installation has no code"));
    EXPECT_FALSE(recipe_.slurm.gpus_per_node);
  }
  const fixture::Variable module("PST_CUDA_MODULE", (dir / "module.so").string());
  recipe_.slurm.partition = "thin";
  EXPECT_THAT(ask_for_gpus(recipe_, site_), IsEmpty()) << "nothing of GPUs is in play";

  recipe_.slurm.partition = "fat";
  EXPECT_THAT(ask_for_gpus(recipe_, site_),
              AllOf(HasSubstr("4 GPUs on each node, one for each rank"), HasSubstr("train.device: cpu does without")));
  EXPECT_EQ(recipe_.slurm.gpus_per_node, 4);
}

}  // namespace
}  // namespace pst::runs
