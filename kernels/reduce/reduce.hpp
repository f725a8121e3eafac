#pragma once
#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// into[i] += from[i], f32. @throws Error(bug) on a mismatch
void add(const Exec& on, View into, ConstView from);

/// Sum of squares of f32 values, in double, over fixed blocks added in order: the same bits whatever the threads.
double sum_of_squares(const Exec& on, ConstView x);

/// x[i] *= factor, f32.
void scale(const Exec& on, View x, double factor);

}  // namespace pst::kernels
