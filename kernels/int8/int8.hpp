// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

// 8-bit integers with one scale per row of a matrix W [rows, width]: the weights of LLM.int8(). Codes and scales are
// those of bitsandbytes (0.50), bit for bit; it rounds weights to f16 first, and so does this.
// @see Dettmers et al. 2022, arXiv:2208.07339, section 2.1
namespace pst::kernels {

/// absmax[r] = max |f16(value)| of row r; not finite when the row holds a NaN, an infinity or a value beyond f16's
/// 65504.
/// @param values  f32 or bf16 [rows * width], whole rows
/// @param absmax  f32 [rows]
/// @throws Error(bug) on a mismatch
void int8_absmax(const Exec& on, ConstView values, std::int64_t width, View absmax);

/// Codes of values [first, first + count) of W: round(f16(value) * (127 * (1 / absmax))), every operation rounded to
/// f32, ties to even; 0 in a row of zeros.
/// @param values  f32 or bf16 [count]
/// @param absmax  f32 [rows], of the whole matrix, finite
/// @param codes   i8 [count]
void int8_encode(const Exec& on, ConstView values, std::int64_t first, std::int64_t width, ConstView absmax,
                 View codes);

/// out = code * (absmax[row] * (1 / 127)), rounded to f32 and, for a bf16 out, to bf16 from there.
/// @param codes   i8 [rows * width], of the whole matrix
/// @param absmax  f32 [rows]
/// @param out     f32 or bf16 [count]: values [first, first + count)
void int8_dequantise(const Exec& on, ConstView codes, ConstView absmax, std::int64_t width, std::int64_t first,
                     View out);

}  // namespace pst::kernels
