// SPDX-License-Identifier: Apache-2.0
#include "plan/choose_strategy.hpp"

#include <algorithm>

#include "core/strings.hpp"

namespace pst::plan {

Placed place_base(double base_bytes, double beside_bytes, double rank_memory, std::int64_t ranks,
                  std::int64_t ranks_here, DeviceKind device) {
  if (rank_memory <= 0) return {Placement::replicate, "the node's memory is not known"};
  constexpr double kUsable = 0.95;
  const double most = device == DeviceKind::cuda ? 0.75 : 0.6;  // a GPU is nobody else's
  const double room = std::max(0.0, std::min(most * rank_memory, kUsable * rank_memory - beside_bytes));
  const auto text = [](double bytes) { return human_bytes(static_cast<std::uint64_t>(bytes)); };
  const std::string of_room = cat(" of the ", text(room), " for weights that a rank has");
  if (ranks == 1 || base_bytes <= room)
    return {Placement::replicate, cat("a whole copy takes ", text(base_bytes), of_room)};
  const bool inside = ranks_here > 1 && ranks_here < ranks && base_bytes / static_cast<double>(ranks_here) <= room;
  const double share = base_bytes / static_cast<double>(inside ? ranks_here : ranks);
  return {inside ? Placement::hybrid : Placement::shard,
          cat("a whole copy would take ", text(base_bytes), of_room, "; a share takes ", text(share))};
}

double base_of_rank(double base_bytes, Placement placement, std::int64_t ranks, std::int64_t ranks_here) {
  switch (placement) {
    case Placement::replicate: return base_bytes;
    case Placement::hybrid: return base_bytes / static_cast<double>(std::max<std::int64_t>(1, ranks_here));
    case Placement::shard: return base_bytes / static_cast<double>(std::max<std::int64_t>(1, ranks));
  }
  return base_bytes;
}

bool should_recompute(double kept_bytes, double rank_memory, double base_here) {
  return rank_memory > 0 && kept_bytes > std::max(0.0, rank_memory - base_here) / 2;
}

}  // namespace pst::plan
