// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "nn/parameter.hpp"
#include "parallel/range.hpp"

namespace pst::parallel {

/// The flat array of a set of parameters, cut into one consecutive share per rank: nearly equal ones, each cut between
/// two rows of a tensor and on a cache line. So an operation over a share sees whole lines, and a checkpoint whole
/// rows.
class FlatShares {
 public:
  /// @param parameters  after allocate(). @param ranks  1: one share, of everything
  /// @param piece  values that stay together, counted from the begin of each tensor: cuts are between pieces too.
  /// nullopt: tensors are not cut
  FlatShares(const nn::ParameterSet& parameters, int ranks,
             std::optional<std::int64_t> piece = nn::ParameterSet::kBorder);

  int ranks() const { return static_cast<int>(cuts_.size()) - 1; }
  Range of(int rank) const;
  std::int64_t largest() const;
  /// Those values of the parameter, counted from its begin, that lie in a rank's share; maybe none.
  Range values_of(const nn::Parameter& parameter, int rank) const;
  /// Those rows of the parameter (along its first dimension) whose values lie in a rank's share; maybe none.
  Range rows_of(const nn::Parameter& parameter, int rank) const;

 private:
  std::vector<std::int64_t> cuts_;  // [ranks + 1]
};

}  // namespace pst::parallel
