// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// into[i] += from[i], f32. @throws Error(bug) on a mismatch
void add(const Exec& on, View into, ConstView from);

/// Sum of squares of f32 values, in double, over fixed blocks added in order: the same bits whatever the threads.
double sum_of_squares(const Exec& on, ConstView x);

/// Values of one block of sum_of_squares().
inline constexpr std::int64_t kSquareBlock = 8192;
/// The sum of squares of each block, the last of which may be short. Added in order they are sum_of_squares(), so that
/// several ranks can each do some of the blocks. @param sums  one for each block. @throws Error(bug) on a mismatch
void squares_of_blocks(const Exec& on, ConstView x, std::span<double> sums);

/// Adds `ranks` shares of one size that lie end to end, along the tree that halves its range, the larger half first.
/// The sum ends in the first share; what the others hold then is not said. f32. @throws Error(bug) on a mismatch
void sum_shares(const Exec& on, View shares, std::int64_t ranks);

/// x[i] *= factor, f32.
void scale(const Exec& on, View x, double factor);

}  // namespace pst::kernels
