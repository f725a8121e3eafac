// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <mutex>
#include <vector>

#include "kernels/reduce/reduce.hpp"

namespace pst::kernels {

/// Gradients of keys and values whose query heads are worked on apart: each leaves its part, and the last one to end
/// adds them in the order of the heads.
class PartsOfHead {
 public:
  /// Where query head `group` leaves its part. f32 [2, rows_up, dim_up]
  float* of_group(std::int64_t group, std::int64_t groups, std::int64_t values) {
    const std::lock_guard lock(mutex_);
    if (parts_.empty()) parts_.resize(static_cast<std::size_t>(groups * values));
    return parts_.data() + group * values;
  }
  /// @return the parts added up, when this was the last of them; nullptr otherwise
  const float* end(std::int64_t groups, std::int64_t values) {
    {
      const std::lock_guard lock(mutex_);
      if (++ended_ < groups) return nullptr;
    }
    for (std::int64_t group = 1; group < groups; ++group)
      add(serial_cpu(), {parts_.data(), values, Dtype::f32, {}}, {parts_.data() + group * values, values, Dtype::f32});
    return parts_.data();
  }
  void forget() { parts_ = {}; }

 private:
  std::mutex mutex_;
  std::vector<float> parts_;
  std::int64_t ended_ = 0;
};

}  // namespace pst::kernels
