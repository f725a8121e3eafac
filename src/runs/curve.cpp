// SPDX-License-Identifier: Apache-2.0
#include "runs/curve.hpp"

#include <cmath>

namespace pst::runs {

void Curve::add(std::int64_t step, double value) {
  if (step <= step_ || !std::isfinite(value)) return;
  step_ = step;
  if (count_++ == 0) first_ = value;
  last_ = value;
  sum_ += value;
  if (++pending_ < weight_) return;
  values_.push_back(sum_ / static_cast<double>(weight_));
  sum_ = 0;
  pending_ = 0;
  if (values_.size() < most_) return;
  for (std::size_t i = 0; i + 1 < values_.size(); i += 2) values_[i / 2] = (values_[i] + values_[i + 1]) / 2;
  values_.resize(values_.size() / 2);
  weight_ *= 2;
}

}  // namespace pst::runs
