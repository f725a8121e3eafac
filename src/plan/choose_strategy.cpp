// SPDX-License-Identifier: Apache-2.0
#include "plan/choose_strategy.hpp"

#include "core/strings.hpp"

namespace pst::plan {

Placed place_base(double base_bytes, double rank_memory, std::int64_t ranks, std::int64_t ranks_here) {
  if (rank_memory <= 0) return {Placement::replicate, "the node's memory is not known"};
  const double room = 0.6 * rank_memory;
  const auto text = [](double bytes) { return human_bytes(static_cast<std::uint64_t>(bytes)); };
  const std::string of_room = cat(" of the ", text(room), " for weights that a rank has");
  if (ranks == 1 || base_bytes <= room)
    return {Placement::replicate, cat("a whole copy takes ", text(base_bytes), of_room)};
  const bool inside = ranks_here > 1 && ranks_here < ranks && base_bytes / static_cast<double>(ranks_here) <= room;
  const double share = base_bytes / static_cast<double>(inside ? ranks_here : ranks);
  return {inside ? Placement::hybrid : Placement::shard,
          cat("a whole copy would take ", text(base_bytes), of_room, "; a share takes ", text(share))};
}

}  // namespace pst::plan
