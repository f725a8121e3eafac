// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace pst::report {

/// Quantiles of many durations in little memory: buckets whose bounds grow by 2 %, from 1 microsecond to 12 days.
class Histogram {
 public:
  void add(std::int64_t us) {
    ++counts_[index_of(us)];
    ++total_;
  }
  void add(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
  }
  std::int64_t total() const { return total_; }
  /// Within 1 %; 0 when nothing was added.
  double quantile(double share) const {
    const auto wanted = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(total_)));
    std::int64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      if ((seen += counts_[i]) >= std::max<std::int64_t>(1, wanted))
        return i == 0 ? 0.0 : std::exp((static_cast<double>(i) - 0.5) * kStep);
    return 0;
  }

 private:
  static constexpr double kStep = 0.0198;  // log(1.02)
  static constexpr std::size_t kBuckets = 1400;
  static std::size_t index_of(std::int64_t us) {
    if (us < 1) return 0;
    return std::min(kBuckets - 1, 1 + static_cast<std::size_t>(std::log(static_cast<double>(us)) / kStep));
  }
  std::array<std::int32_t, kBuckets> counts_{};
  std::int64_t total_ = 0;
};

}  // namespace pst::report
