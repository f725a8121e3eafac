// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
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
  FlatShares(const nn::ParameterSet& parameters, int ranks);

  int ranks() const { return static_cast<int>(cuts_.size()) - 1; }
  Range of(int rank) const;
  std::int64_t largest() const;
  /// Those rows of the parameter (along its first dimension) whose values lie in a rank's share; maybe none.
  Range rows_of(const nn::Parameter& parameter, int rank) const;

 private:
  std::vector<std::int64_t> cuts_;  // [ranks + 1]
};

}  // namespace pst::parallel
