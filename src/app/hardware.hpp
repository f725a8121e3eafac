// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "app/ranks.hpp"
#include "app/resolve_auto.hpp"
#include "app/run.hpp"

namespace pst::app {

/// What this rank computes with: its device, the precision and the threads, and how GPUs reach one another.
struct Hardware {
  Resolved resolved;
  std::unique_ptr<comm::Communicator> gpus;  ///< the ranks' GPUs; nullptr: on CPUs, or one rank

  /// The ranks' devices, over which gradients travel.
  comm::Communicator& devices(const Ranks& ranks) const { return gpus ? *gpus : ranks.world; }
};

/// Opens GPUs where the recipe asks for them, settles what it leaves open, and gives the process its threads.
/// Collective. @throws what open_gpus() and gpu_group() throw
Hardware open_hardware(const Run& run, const Ranks& ranks);

}  // namespace pst::app
