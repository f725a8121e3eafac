// SPDX-License-Identifier: Apache-2.0
#include "runs/gpus_of_job.hpp"

#include <cstdlib>
#include <filesystem>

#include "cluster/program_path.hpp"
#include "core/error.hpp"
#include "core/strings.hpp"
#include "runs/job_script_for.hpp"
#include "site/limits.hpp"

namespace pst::runs {

using recipe::DeviceChoice;

GpusOfJob gpus_of_job(const recipe::Recipe& recipe, const site::Site& site, bool has_module) {
  const recipe::Slurm& slurm = recipe.slurm;
  if (slurm.gpus_per_node) return {slurm.gpus_per_node, "slurm.gpus_per_node"};
  if (recipe.train.device == DeviceChoice::cpu) return {{}, "train.device is cpu"};
  const site::Partition* const partition = site::partition_for(site, slurm.partition, slurm.qos);
  if (partition == nullptr) return {{}, cat("the profile ", site.name, " does not say what the job's partition has")};
  const std::string where = cat("partition ", partition->name, " of ", site.name);
  const int has = partition->gpus_per_node.value_or(0);
  if (has == 0) return {{}, cat("the profile names no GPUs for ", where)};
  if (!site.gpus.cuda) return {{}, cat("the GPUs of ", site.name, " are not NVIDIA's"), true};
  if (!has_module) return {{}, cat("this installation has no code for GPUs, which ", where, " has"), true};
  if (slurm.ranks_per_node > has)
    return {
        {},
        cat(where, " has ", has, has == 1 ? " GPU" : " GPUs", " on each node, for ", slurm.ranks_per_node, " ranks"),
        true};
  return {slurm.ranks_per_node, cat(where, " has ", has, " on each node"), true};
}

bool has_gpu_module(const site::Site& site) {
  if (site.container.kind != site::ContainerKind::none) return true;
  const char* const given = std::getenv("PST_CUDA_MODULE");
  const auto own = cluster::own_program().parent_path().parent_path() / "lib" / "peft-studio" / "libpst_cuda.so";
  std::error_code ignored;
  return std::filesystem::exists(given != nullptr && *given != '\0' ? std::filesystem::path(given) : own, ignored);
}

std::string ask_for_gpus(recipe::Recipe& recipe, const site::Site& site) {
  if (recipe.slurm.gpus_per_node || recipe.train.device == DeviceChoice::cpu) return {};
  const GpusOfJob gpus = gpus_of_job(recipe, site, has_gpu_module(site));
  recipe.slurm.gpus_per_node = gpus.per_node;
  if (gpus.per_node)
    return cat("the job asks for ", *gpus.per_node, *gpus.per_node == 1 ? " GPU" : " GPUs",
               " on each node, one for each rank: ", gpus.reason, "; train.device: cpu does without");
  if (recipe.train.device == DeviceChoice::automatic && !gpus.are_there) return {};
  return cat("the job asks for no GPUs: ", gpus.reason,
             recipe.train.device == DeviceChoice::cuda ? "; slurm.gpus_per_node asks for them" : "");
}

std::string device_line(const recipe::Recipe& recipe) {
  if (recipe.train.device != DeviceChoice::automatic) return {};
  std::string job;
  try {
    if (const site::Site site = site_for(recipe).site; site.scheduler == site::Scheduler::slurm) {
      const GpusOfJob gpus = gpus_of_job(recipe, site, has_gpu_module(site));
      if (gpus.per_node)
        job = cat("; a job asks for ", *gpus.per_node, " on each node (", gpus.reason, ")");
      else if (gpus.are_there)
        job = cat("; a job asks for none (", gpus.reason, ")");
      else
        job = "; a job asks for them with slurm.gpus_per_node";
    }
  } catch (const Error&) {
    // submit, which needs the profile, says what is wrong with it.
  }
  return cat("device: auto, GPUs where every rank finds one of its own, else CPUs", job, "\n");
}

}  // namespace pst::runs
