// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include "plan/choice.hpp"

namespace pst::plan {

struct Placed {
  Placement placement = Placement::replicate;
  std::string reason;
};

/// What `parallel.strategy: auto` comes to, for a plan and for the ranks themselves: the first of replicate, hybrid and
/// shard whose part of the frozen base fits into 60 % of a rank's memory, 75 % of a GPU's; activations, the adapter and
/// its state need the rest. Shares over all ranks where nothing fits.
/// @param base_bytes   the whole base as it is kept
/// @param beside_bytes what a rank needs beside it at least: beside_base()
/// @param rank_memory  bytes that a rank may use; 0 where nobody knows
/// @param ranks_here   of one node
Placed place_base(double base_bytes, double beside_bytes, double rank_memory, std::int64_t ranks,
                  std::int64_t ranks_here, DeviceKind device);

/// Bytes of the frozen base that a rank keeps.
double base_of_rank(double base_bytes, Placement placement, std::int64_t ranks, std::int64_t ranks_here);

/// What `train.gradient_checkpointing: auto` comes to: on where what the layers keep for backward is more than half of
/// the memory that the frozen base leaves. Off where the memory is not known.
bool should_recompute(double kept_bytes, double rank_memory, double base_here);

}  // namespace pst::plan
