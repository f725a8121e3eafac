// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "core/exec.hpp"
#include "core/rng.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// Uniform noise: out[row][i] = magnitude[row] * (2 u - 1), where u is rng.uniform(row * width + i). Each value depends
/// on the stream and its place only, and has the same bits on every device.
/// @param magnitude  f32 [rows]
/// @param out        f32 or bf16 [rows, width]
/// @throws Error(bug) on a mismatch
void uniform_noise(const Exec& on, ConstView magnitude, const Rng& rng, View out);

}  // namespace pst::kernels
