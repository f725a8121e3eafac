// SPDX-License-Identifier: Apache-2.0
#include "parallel/flat_shares.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"

namespace pst::parallel {
namespace {

std::int64_t row_size(const nn::Parameter& parameter) {
  return parameter.shape.empty() ? 1 : parameter.count() / std::max<std::int64_t>(1, parameter.shape.front());
}

/// A place near `place` where a cut may be: between two rows, and on a border as parameters begin on. In the gap behind
/// a parameter it is the next one's begin, else the last such place that is not behind `place`.
std::int64_t border_near(const nn::ParameterSet& parameters, std::int64_t place, std::optional<std::int64_t> piece) {
  const auto& all = parameters.all();
  const auto behind = std::upper_bound(all.begin(), all.end(), place,
                                       [](std::int64_t at, const nn::Parameter& p) { return at < p.offset; });
  if (behind == all.begin()) return 0;
  const nn::Parameter& around = *std::prev(behind);
  const std::int64_t row = std::max<std::int64_t>(1, row_size(around));
  const std::int64_t within = place - around.offset;
  if (within >= around.count()) return behind == all.end() ? place : behind->offset;
  if (!piece) return around.offset;
  const std::int64_t step = std::lcm(row, *piece);
  return around.offset + within / step * step;
}

}  // namespace

FlatShares::FlatShares(const nn::ParameterSet& parameters, int ranks, std::optional<std::int64_t> piece) : cuts_(1, 0) {
  PST_ASSERT(!piece || *piece % nn::ParameterSet::kBorder == 0, "shares are cut on borders");
  PST_ASSERT(ranks >= 1 && parameters.size() > 0, "shares of memory that is there, for some rank");
  const std::int64_t size = parameters.size();
  for (int rank = 1; rank < ranks; ++rank) {
    const std::int64_t even = size / ranks * rank + size % ranks * rank / ranks;
    cuts_.push_back(std::max(cuts_.back(), border_near(parameters, even, piece)));
  }
  cuts_.push_back(size);
}

Range FlatShares::of(int rank) const {
  const auto at = static_cast<std::size_t>(rank);
  return {cuts_.at(at), cuts_.at(at + 1)};
}

std::int64_t FlatShares::largest() const {
  std::int64_t most = 0;
  for (int rank = 0; rank < ranks(); ++rank) most = std::max(most, of(rank).size());
  return most;
}

Range FlatShares::values_of(const nn::Parameter& parameter, int rank) const {
  const Range share = of(rank);
  const auto within = [&](std::int64_t place) {
    return std::clamp<std::int64_t>(place - parameter.offset, 0, parameter.count());
  };
  return {within(share.begin), within(share.end)};
}

Range FlatShares::rows_of(const nn::Parameter& parameter, int rank) const {
  const std::int64_t row = row_size(parameter), rows = row == 0 ? 0 : parameter.count() / row;
  const auto before = [&](std::int64_t place) {  // rows that end at or before it
    if (row == 0) return std::int64_t{0};
    return std::clamp<std::int64_t>((place - parameter.offset) / row, 0, rows);
  };
  const Range share = of(rank);
  return {before(share.begin), before(share.end)};
}

}  // namespace pst::parallel
