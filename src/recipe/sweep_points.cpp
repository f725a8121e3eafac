// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "core/rng.hpp"
#include "recipe/sweep.hpp"

namespace pst::recipe {
namespace {

std::uint64_t size_of_grid(const Sweep& sweep) {
  std::uint64_t size = 1;
  for (const auto& swept : sweep.parameters.keys) size *= swept.values.size();
  return size;
}

/// Place `index` of the grid, the last key changing fastest.
SweepPoint grid_point(const Sweep& sweep, std::uint64_t index) {
  const auto& keys = sweep.parameters.keys;
  SweepPoint point(keys.size());
  for (std::size_t i = keys.size(); i-- > 0;) {
    point[i] = static_cast<std::size_t>(index % keys[i].values.size());
    index /= keys[i].values.size();
  }
  return point;
}

/// `count` different numbers below `size`, each set of them equally likely.
/// @see Bentley and Floyd 1987, "A sample of brilliance", Communications of the ACM 30(9)
std::set<std::uint64_t> sample(std::uint64_t size, std::uint64_t count, const Rng& rng) {
  std::set<std::uint64_t> chosen;
  for (std::uint64_t last = size - count; last < size; ++last)
    if (!chosen.insert(rng.below(last + 1, last)).second) chosen.insert(last);
  return chosen;
}

}  // namespace

std::vector<SweepPoint> points_of(const Sweep& sweep) {
  const auto& keys = sweep.parameters.keys;
  std::vector<SweepPoint> points;
  if (keys.empty()) return points;
  switch (sweep.mode) {
    case SweepMode::grid:
      for (std::uint64_t i = 0; i < size_of_grid(sweep); ++i) points.push_back(grid_point(sweep, i));
      break;
    case SweepMode::list:
      for (std::size_t i = 0; i < keys.front().values.size(); ++i) points.emplace_back(keys.size(), i);
      break;
    case SweepMode::random:
      for (const auto index : sample(size_of_grid(sweep), static_cast<std::uint64_t>(sweep.count.value_or(1)),
                                     Rng(sweep.seed).child("sweep")))
        points.push_back(grid_point(sweep, index));
      break;
  }
  return points;
}

}  // namespace pst::recipe
