// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "app/ranks.hpp"
#include "ops/gpu.hpp"
#include "recipe/recipe.hpp"
#include "rundir/run_dir.hpp"

namespace pst::app {

/// What a rank computes on, and why.
struct DeviceTaken {
  std::optional<ops::Gpu> gpu;  ///< this rank's; nothing: all compute on CPUs
  std::string reason = "given";
};

/// Settles `train.device` for all ranks, before anything is loaded, and opens each rank's GPU where it comes to that;
/// the event `device` tells what it came to. `auto` is what an earlier attempt trained on; else, in a job that asked
/// for GPUs, `cuda`; else what choose_device() says. Collective. Nodes on which a GPU is missing are left for the
/// supervisor in unfit.json, as preflight() leaves those that it finds.
/// @throws on every rank: Error(unfit) or Error(usage) with the remedy when GPUs are wanted and one cannot be used, or
///         where some nodes have GPUs and others have none
DeviceTaken open_gpus(const Ranks& ranks, const rundir::RunDir& run, int attempt, const recipe::Recipe& recipe);

}  // namespace pst::app
