// SPDX-License-Identifier: Apache-2.0
#include "methods/block_sizes.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/targets.hpp"

namespace pst::methods {

void require_divisor(std::int64_t value, std::int64_t whole, const std::string& key, const LinearLayer& layer,
                     const std::string& what) {
  if (whole % value == 0) return;
  std::int64_t below = value, above = value;
  while (whole % below != 0) --below;
  while (above < whole && whole % above != 0) ++above;
  throw Error(Fault::usage,
              cat("adapter.", key, " is ", value, ", which does not divide the ", whole, " ", what, " of ", layer.name),
              cat("write ", key, ": ", below, above <= whole ? cat(" or ", above) : "",
                  ", or leave the layer out with adapter.target_modules"));
}

Blocks blocks_of(const LinearLayer& layer, std::int64_t size, std::int64_t count, const std::string& size_key,
                 const std::string& count_key) {
  if (size == 0 && count == 0)
    throw Error(Fault::usage, cat("adapter.", size_key, " and adapter.", count_key, " are both 0"),
                cat("give one of them, ", size_key, ": 32 for one"));
  if (size != 0 && count != 0)
    throw Error(Fault::usage,
                cat("adapter.", size_key, " is ", size, " and adapter.", count_key, " is ", count,
                    ", and either follows from the other"),
                cat("write ", size_key, ": 0 or ", count_key, ": 0"));
  require_divisor(size != 0 ? size : count, layer.in, size != 0 ? size_key : count_key, layer, "inputs");
  return size != 0 ? Blocks{layer.in / size, size} : Blocks{count, layer.in / count};
}

}  // namespace pst::methods
