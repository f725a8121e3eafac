// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "plan/costs.hpp"

namespace pst::plan {

/// Where the frozen weights are: all of them with every rank, in shares over all ranks, or over those of each node.
enum class Placement { replicate, shard, hybrid };
const char* name_of(Placement placement);  ///< as parallel.strategy says it

/// What a plan may vary while the recipe's result stays what it is: the rows of a step do not change.
struct Choice {
  int nodes = 1, ranks_per_node = 1, threads = 1;
  int micro_batch = 1;
  bool recompute = false;  ///< gradient checkpointing
  Dtype dtype = Dtype::f32;
  Placement placement = Placement::replicate;
  bool optimizer_in_shares = false;
  std::int64_t ranks() const { return std::int64_t{nodes} * ranks_per_node; }
  /// Ranks that hold one copy of the frozen weights together.
  std::int64_t sharers() const {
    return placement == Placement::shard ? ranks() : placement == Placement::hybrid ? ranks_per_node : 1;
  }
  /// Ranks that hold the optimizer's state together.
  std::int64_t optimizer_sharers() const { return optimizer_in_shares ? ranks() : 1; }
  bool operator==(const Choice&) const = default;
};

}  // namespace pst::plan
