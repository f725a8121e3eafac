// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rundir/run_dir.hpp"

namespace pst::app {

/// What a rank that looked for a GPU of its own found.
struct GpuFound {
  std::string node;
  std::string bus;      ///< which GPU of the node it is; empty: none that can be used
  std::string why_not;  ///< then
};

enum class DeviceOfAll { cpu, gpus, mixed };

/// What `train.device: auto` comes to.
struct DeviceDecision {
  DeviceOfAll device = DeviceOfAll::cpu;
  std::string reason;
  std::vector<std::string> with, without;  ///< nodes, in the order of the ranks
};

/// A node counts as one with GPUs when each of its ranks has one that no other rank has. All nodes with GPUs: they are
/// used. None: the CPU is. Some: neither, since the bits of a sum would depend on who computed them, and all would wait
/// for the slowest.
/// @param ranks  of all ranks, so that each of them comes to the same answer
DeviceDecision choose_device(const std::vector<GpuFound>& ranks);

/// "cpu" or "cuda", as an earlier attempt of the run trained on: its newest event `device`, else its newest checkpoint.
/// Nothing for a run that has not begun. @throws Error(io)
std::optional<std::string> device_begun_on(const rundir::RunDir& run);

}  // namespace pst::app
