// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>

namespace pst::methods {

/// The keys of `type: shira`. @see Bhardwaj et al. 2024, arXiv:2406.13175
struct Shira {
  int r = 32;
  std::optional<std::int64_t> random_seed;
};

}  // namespace pst::methods
