// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "comm/communicator.hpp"

namespace pst::app {

/// The run's ranks, as one of them sees them.
struct Ranks {
  comm::Communicator& world;  ///< of all ranks' hosts
  int local_rank = 0;         ///< this one's number among those of its node
  int local_size = 1;         ///< ranks of its node
  int node_root = 0;          ///< world's rank of its node's first

  int nodes() const { return world.size() / local_size; }  ///< all with as many ranks as this one
};

}  // namespace pst::app
