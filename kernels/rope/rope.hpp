// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

enum class Turn { forward, back };

/// Rotates each head's feature pairs (i, i + head_dim / 2) by the angle of the row's position, in place.
/// @param x          f32 or bf16 [rows, heads, head_dim]
/// @param positions  i32 [rows], each inside the table
/// @param cosines    f32 [table rows, head_dim / 2]; `sines` likewise
/// @param turn       `back` rotates the other way: the gradient of `forward`
/// @throws Error(bug) on a mismatch or a position outside the table; x is then untouched
/// @see Su et al. 2021, arXiv:2104.09864, equation 34; the half-split layout of Hugging Face's llama
void rope(const Exec& on, View x, std::int64_t heads, ConstView positions, ConstView cosines, ConstView sines,
          Turn turn);

}  // namespace pst::kernels
