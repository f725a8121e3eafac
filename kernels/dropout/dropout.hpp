// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/rng.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// out[i] = x[i] / (1 - p) where the stream keeps element i, else 0. The choice depends on (rng, i) only, so backward
/// makes the same mask again instead of storing it. p is rounded to 1/65536.
/// @param x    f32 or bf16; out likewise, may be the same memory
/// @param p    chance of zeroing, in [0, 1)
/// @throws Error(bug) on a mismatch
void dropout(const Exec& on, ConstView x, double p, const Rng& rng, View out);

}  // namespace pst::kernels
