// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>

namespace pst::comm {

/// Values in each of the two buffers through which a flat array is exchanged: 32 MiB of f32, enough for links to run at
/// their full speed.
constexpr std::int64_t kExchangeValues = std::int64_t{1} << 23;

/// Values of each rank in a piece of such an exchange, when the largest share has `share` values: that many, or as many
/// as a buffer of `most` has room for, and one at least.
constexpr std::int64_t exchange_piece(std::int64_t share, std::int64_t ranks, std::int64_t most = kExchangeValues) {
  return std::clamp<std::int64_t>(share, 1, std::max<std::int64_t>(1, most / ranks));
}

}  // namespace pst::comm
