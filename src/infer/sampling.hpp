// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

namespace pst::infer {

struct Sampling {
  double temperature = 0;  ///< 0: the most likely token
  double top_p = 1;        ///< sample among the fewest tokens that hold this much probability
  std::uint64_t seed = 42;
  std::int64_t max_new_tokens = 256;
  std::vector<std::int32_t> stop_ids;
};

}  // namespace pst::infer
