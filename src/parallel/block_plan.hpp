// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <vector>

#include "nn/frozen_storage.hpp"

namespace pst::parallel {

/// Where the parts of a block lie in its bytes, and how these are cut into equal shares.
struct BlockPlan {
  struct Place {
    std::size_t matrix = 0, part = 0, offset = 0, bytes = 0;
  };
  std::vector<Place> places;
  std::size_t share = 0;  ///< bytes of each rank's; the last ones may end in padding

  /// Offsets and shares are multiples of a cache line, so that a cut falls between values of every dtype.
  static BlockPlan of(const nn::FrozenBlock& block, int ranks);
};

}  // namespace pst::parallel
