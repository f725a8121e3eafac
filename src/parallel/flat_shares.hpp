// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "nn/parameter.hpp"

namespace pst::parallel {

/// Places begin .. end - 1 of something that is counted.
struct Span {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};

/// The flat array of a set of parameters, cut into one consecutive share per rank: nearly equal ones, each cut between
/// two rows of a tensor and on a cache line. So an operation over a share sees whole lines, and a checkpoint whole
/// rows.
class FlatShares {
 public:
  /// @param parameters  after allocate(). @param ranks  1: one share, of everything
  FlatShares(const nn::ParameterSet& parameters, int ranks);

  int ranks() const { return static_cast<int>(cuts_.size()) - 1; }
  Span of(int rank) const;
  std::int64_t largest() const;
  /// Those rows of the parameter (along its first dimension) whose values lie in a rank's share; maybe none.
  Span rows_of(const nn::Parameter& parameter, int rank) const;

 private:
  std::vector<std::int64_t> cuts_;  // [ranks + 1]
};

}  // namespace pst::parallel
