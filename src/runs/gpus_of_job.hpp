// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "recipe/recipe.hpp"
#include "site/site.hpp"

namespace pst::runs {

/// The GPUs that a job asks Slurm for on each node, and why. The login node cannot see those of the compute nodes, so
/// the site profile decides.
struct GpusOfJob {
  std::optional<int> per_node;
  std::string reason;      ///< "partition gpu of x has 4 on each node"
  bool are_there = false;  ///< the partition has some, whether they are asked for or not
};

/// `slurm.gpus_per_node` where the recipe has it. Else, unless `train.device` is `cpu`: one for each rank of a node
/// where the job's partition has that many of NVIDIA's; nothing elsewhere.
/// @param has_module  whether this installation can compute on GPUs at all
GpusOfJob gpus_of_job(const recipe::Recipe& recipe, const site::Site& site, bool has_module);

/// Whether the worker of this installation has its module for GPUs; yes where it is in a container, which is not looked
/// into.
bool has_gpu_module(const site::Site& site);

/// Puts that number into a recipe that is about to be submitted. @return what was decided, for the user; empty where
/// the recipe says it all
std::string ask_for_gpus(recipe::Recipe& recipe, const site::Site& site);

/// A line about `train.device: auto` for `validate` and `plan`; empty for `cpu` and `cuda`. A profile that cannot be
/// read costs what follows from it, no more.
std::string device_line(const recipe::Recipe& recipe);

}  // namespace pst::runs
