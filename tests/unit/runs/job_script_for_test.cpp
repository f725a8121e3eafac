// SPDX-License-Identifier: Apache-2.0
#include "runs/job_script_for.hpp"

#include <gmock/gmock.h>

#include "site/load_profile.hpp"
#include "source_tree.hpp"
#include "support/errors.hpp"

namespace pst::runs {
namespace {

using recipe::DeviceChoice;
using testing::HasSubstr;

TEST(JobScriptFor, RefusesGpusThatOurModuleCannotUse) {
  const std::filesystem::path folder = std::filesystem::path(PST_SOURCE_DIR) / "configs/sites";
  recipe::Recipe recipe;
  recipe.name = "x";
  recipe.slurm.account = "project";
  for (const char* name : {"lumi-g", "olcf-frontier"}) {
    const auto site = site::load(folder / (std::string(name) + ".yaml"), {folder});
    recipe.train.device = DeviceChoice::cuda;
    const std::string words =
        pst::fixture::error_of(Fault::usage, [&] { job_script_for(recipe, site, "/runs/x-0000"); });
    EXPECT_THAT(words, HasSubstr(std::string("the GPUs of ") + name + " are not NVIDIA's"));
    EXPECT_THAT(words, HasSubstr("train.device: cpu"));

    recipe.train.device = DeviceChoice::automatic;
    recipe.slurm.gpus_per_node = 8;
    pst::fixture::error_of(Fault::usage, [&] { job_script_for(recipe, site, "/runs/x-0000"); });
    recipe.slurm.gpus_per_node.reset();
    EXPECT_NO_THROW(job_script_for(recipe, site, "/runs/x-0000"));
  }
}

}  // namespace
}  // namespace pst::runs
