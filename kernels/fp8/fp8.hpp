// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

// 8-bit floats (E4M3: 1 sign, 4 exponent, 3 mantissa bits, no infinity, largest 448) with one scale per row of a matrix
// W [rows, width]: value = code * scale[row]. Codes are bytes; 0x7f and 0xff, the format's NaNs, are never made.
// @see Micikevicius et al. 2022, arXiv:2209.05433, section 3
namespace pst::kernels {

inline constexpr float kFp8Largest = 448;

/// scale[r] = max |value| of row r / 448, rounded to f32; 0 for a row of zeros; not finite when the row holds a NaN or
/// an infinity, and then the codes of that row mean nothing, and are not the same on every device.
/// @param values  f32 or bf16 [rows * width], whole rows
/// @param scales  f32 [rows]
/// @throws Error(bug) on a mismatch
void fp8_scales(const Exec& on, ConstView values, std::int64_t width, View scales);

/// Codes of values [first, first + count) of W: value / scale, rounded to f32 and from there to the nearest E4M3, ties
/// to even, at most 448; 0 in a row of zeros.
/// @param values  f32 or bf16 [count]
/// @param scales  f32 [rows], of the whole matrix, finite
/// @param codes   u8 [count]
void fp8_encode(const Exec& on, ConstView values, std::int64_t first, std::int64_t width, ConstView scales, View codes);

/// Both at once, for activations and their gradients. What is not finite makes its row's scale so, and with it every
/// product of the row.
/// @param values   f32 or bf16 [rows * width];  codes u8 [rows * width];  scales f32 [rows]
/// @param factors  f32 [width]: what is quantised is value * factor[column], rounded to f32. Empty: the values
void fp8_quantise(const Exec& on, ConstView values, ConstView factors, std::int64_t width, View codes, View scales);

/// The transpose of a matrix of codes. @param codes u8 [rows * width];  out u8 [width * rows]; both sides multiples of
/// 4
void fp8_transpose(const Exec& on, ConstView codes, std::int64_t width, View out);

/// out = code * scale[row], rounded to f32 and, for a bf16 out, to bf16 from there. A NaN's code reads as 480.
/// @param codes   u8 [rows * width], of the whole matrix
/// @param scales  f32 [rows]
/// @param out     f32 or bf16 [count]: values [first, first + count)
void fp8_dequantise(const Exec& on, ConstView codes, ConstView scales, std::int64_t width, std::int64_t first,
                    View out);

}  // namespace pst::kernels
