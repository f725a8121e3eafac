// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::parallel {

/// Places begin .. end - 1 of something that is counted: a rank's leaves, values, rows.
struct Range {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};

}  // namespace pst::parallel
