// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>

#include "app/ranks.hpp"
#include "ops/gpu.hpp"
#include "recipe/train.hpp"
#include "rundir/run_dir.hpp"

namespace pst::app {

/// Each rank's GPU, where the recipe asks for them; nothing where it trains on CPUs. Collective. Nodes on which one
/// cannot be used are left for the supervisor in unfit.json, as preflight() leaves those that it finds.
/// @throws on every rank, the failing one Error(unfit) with the remedy
std::optional<ops::Gpu> open_gpus(const Ranks& ranks, const rundir::RunDir& run, int attempt,
                                  const recipe::Train& train);

}  // namespace pst::app
