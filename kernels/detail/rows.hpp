// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>

namespace pst::kernels::detail {

/// Calls body(row, begin, end) for the parts of rows among values [begin, end) of a piece of a matrix; the piece begins
/// at value `first` of the matrix, whose rows have `width` values.
template <class Body>
void by_rows(std::int64_t first, std::int64_t width, std::int64_t begin, std::int64_t end, const Body& body) {
  while (begin < end) {
    const std::int64_t row = (first + begin) / width, stop = std::min(end, (row + 1) * width - first);
    body(row, begin, stop);
    begin = stop;
  }
}

}  // namespace pst::kernels::detail
