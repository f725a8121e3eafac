// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace pst::kernels {

// A step's micro batches are leaves of one binary tree that halves its range, the larger half first. Gradients are
// added along it (parallel/ordered_sum.hpp).

/// The first of a rank's consecutive leaves; that of the next rank is where they end.
constexpr std::int64_t first_leaf(std::int64_t leaves, std::int64_t rank, std::int64_t ranks) {
  return leaves * rank / ranks;
}

/// The rank that has a leaf. @param leaves  at least `ranks`
constexpr std::int64_t rank_of_leaf(std::int64_t leaf, std::int64_t leaves, std::int64_t ranks) {
  return ((leaf + 1) * ranks + leaves - 1) / leaves - 1;
}

/// Buffers that adding `leaves` along the tree holds at once: log2, rounded down, and one.
constexpr int tree_buffers(std::int64_t leaves) {
  int buffers = 1;
  for (; leaves > 1; leaves /= 2) ++buffers;
  return buffers;
}

}  // namespace pst::kernels
