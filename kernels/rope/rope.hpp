// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

enum class Turn { forward, back };

/// Which features of a head turn together.
enum class Pairs {
  halves,     ///< (i, i + half), as in Hugging Face's llama
  neighbours  ///< (2i, 2i + 1), as in the paper
};

struct Rotated {
  std::int64_t heads = 0, dim = 0;
  std::int64_t half = 0;  ///< pairs of a head that turn, the first 2 * half of its features; the others stay
  Pairs pairs = Pairs::halves;
};

/// Rotates feature pairs of each head by the angle of the row's position, in place.
/// @param x          f32 or bf16 [rows, heads, dim]
/// @param positions  i32 [rows], each inside the table
/// @param cosines    f32 [table rows, half]; `sines` likewise. Both may carry a factor
/// @param turn       `back` rotates the other way: the gradient of `forward`
/// @throws Error(bug) on a mismatch or a position outside the table; x is then untouched
/// @see Su et al. 2021, arXiv:2104.09864, equation 34
void rope(const Exec& on, View x, const Rotated& shape, ConstView positions, ConstView cosines, ConstView sines,
          Turn turn);

}  // namespace pst::kernels
