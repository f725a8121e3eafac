// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/json_shape.hpp"

#include "checkpoint/tensors.hpp"

namespace pst::checkpoint {

std::vector<std::int64_t> read_shape(const json::Node& list) {
  auto sizes = list.wholes();
  if (!is_sane_shape(sizes)) list.refuse("is no possible shape");
  return sizes;
}

}  // namespace pst::checkpoint
