// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <utility>
#include <vector>

namespace pst::methods {

enum class RoadVariant { road_1, road_2, road_4 };

/// The keys of `type: road`. @see Liao and Monz 2024, arXiv:2409.00119
struct Road {
  RoadVariant variant = RoadVariant::road_1;
  int group_size = 64;
};
std::vector<std::pair<const char*, RoadVariant>> words_of(RoadVariant);

}  // namespace pst::methods
