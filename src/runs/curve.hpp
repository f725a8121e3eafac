// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pst::runs {

/// A curve in bounded memory: when it has too many points, two neighbours become their mean.
class Curve {
 public:
  explicit Curve(std::size_t most = 1024) : most_(most) {}
  void add(std::int64_t step, double value);  ///< a step that is not beyond the last one, or no number, is left out

  const std::vector<double>& values() const { return values_; }
  bool empty() const { return count_ == 0; }
  double first() const { return first_; }
  double last() const { return last_; }

 private:
  std::size_t most_, weight_ = 1, pending_ = 0;  ///< weight_: steps in each of values_
  double sum_ = 0, first_ = 0, last_ = 0;
  std::int64_t step_ = 0;
  std::uint64_t count_ = 0;
  std::vector<double> values_;
};

}  // namespace pst::runs
