// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "json/object.hpp"

namespace pst::checkpoint {

inline constexpr int kMostRanks = 1 << 20;

/// A list of sizes that a tensor of ours can have. @throws Error(data) with the place
std::vector<std::int64_t> read_shape(const json::Node& list);

}  // namespace pst::checkpoint
