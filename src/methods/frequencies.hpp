// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "methods/targets.hpp"

namespace pst::methods {

/// PEFT's keys of methods that train some coefficients of a transform of the update.
struct Frequencies {
  int n_frequency = 1000;
  std::int64_t random_loc_seed = 777;
  std::map<std::string, int> n_frequency_pattern;
};
void bind_keys(config::Fields& field, Frequencies& s);

/// @throws Error(usage) when the layer's weight has fewer values than `count`
void require_places(std::int64_t count, const LinearLayer& layer);

}  // namespace pst::methods
