// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "methods/beside.hpp"

namespace pst::methods {

/// The keys of `type: trainable_tokens`.
struct TrainableTokens {
  std::vector<std::int64_t> token_indices;
  std::string target_modules;  ///< empty: the embedding
};
TrainedRows trained_rows(const Adapter& adapter, const Places& places);

}  // namespace pst::methods
