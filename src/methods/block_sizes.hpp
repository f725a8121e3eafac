// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

namespace pst::methods {

struct LinearLayer;

struct Blocks {
  std::int64_t count = 0, size = 0;
};

/// How the inputs of a layer are cut into blocks, of which either the size or the number is given, the other being 0.
/// @param size_key, count_key  of the recipe, for messages
/// @throws Error(usage) when both are given or none, or when the layer cannot be cut so
Blocks blocks_of(const LinearLayer& layer, std::int64_t size, std::int64_t count, const std::string& size_key,
                 const std::string& count_key);

/// @throws Error(usage) naming key, layer and the nearest value that does, when `value` does not divide `whole`
void require_divisor(std::int64_t value, std::int64_t whole, const std::string& key, const LinearLayer& layer,
                     const std::string& what);

}  // namespace pst::methods
