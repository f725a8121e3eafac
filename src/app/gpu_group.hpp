// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <c10/core/Device.h>

#include <memory>

#include "comm/communicator.hpp"
#include "rundir/run_dir.hpp"

namespace pst::app {

/// The ranks' GPUs as a group over NCCL; nothing for one rank, or on CPUs. Collective over `world`.
/// NCCL's own log goes to attempts/<n>/nccl/, unless NCCL_DEBUG is set: from it the event `transport` says over which
/// ways the group goes, and warns of one that is not what the machine or NCCL_NET lets expect.
/// @throws Error(unfit) with the remedy: no NCCL, a version that cannot be used, versions that differ;
///         Error(transient) when a rank does not come
std::unique_ptr<comm::Communicator> gpu_group(comm::Communicator& world, at::Device device, const rundir::RunDir& run,
                                              int attempt);

}  // namespace pst::app
