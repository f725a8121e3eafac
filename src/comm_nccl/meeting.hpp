// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "comm_nccl/nccl_api.hpp"
#include "comm_nccl/survivors.hpp"

namespace pst::comm {

/// What ranks tell one another over the hosts' group before they meet on their GPUs.
struct Meeting {
  nccl::UniqueId id;
  std::vector<Peer> peers;  ///< by rank
};

/// @param gpu   "0000:17:00.0" of this rank's; empty: not known
/// @param warn  called on rank 0 with what is to be said of NCCL's version
/// @throws on every rank: Error(unfit) for versions that differ, or one that we cannot use; Error(usage) where two
/// ranks of a node have one GPU
Meeting meet(Communicator& host, const NcclApi& nccl, const std::string& gpu,
             const std::function<void(const std::string&)>& warn);

/// This machine: its name, then the addresses of its interfaces but for loopback.
Peer this_peer();

}  // namespace pst::comm
