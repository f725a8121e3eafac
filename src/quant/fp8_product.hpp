// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::quant {

/// Whether fp8_product() can be had for these rows: bf16 on a GPU of compute capability 8.9 or later, and both widths
/// multiples of 16, as cuBLASLt wants them.
bool multiplies_fp8(const at::Tensor& x_ni, std::int64_t out);

/// Rows of 8-bit floats, each with a scale of its own.
struct Fp8Rows {
  at::Tensor codes;                      ///< u8 [n, columns]
  at::Tensor scale;                      ///< f32 [n]
  at::ScalarType dtype = at::kBFloat16;  ///< of the values, and of what comes of them
};

/// The rows of x, or of x with its columns times `factors` [columns] f32. @param x  bf16, on a CPU f32 too
Fp8Rows fp8_rows(const at::Tensor& x, const at::Tensor& factors = {});

/// x W^T of 8-bit floats, summed in f32. On a CPU, where libtorch has no scales per row, they are put in afterwards:
/// slow, to compare with.
/// @param codes_oi  [out, in] u8
/// @param scale_o   [out] f32
/// @param sum_no    if defined, what is added; may be overwritten
/// @return [n, out] bf16
at::Tensor fp8_product(const Fp8Rows& x_ni, const at::Tensor& codes_oi, const at::Tensor& scale_o,
                       at::Tensor sum_no = {});

/// dy W of 8-bit floats: the sum runs over the rows of W, so their scales go into dy before that is quantised, with a
/// scale for each of its rows.
/// @param dy_no     [n, out] as x above
/// @param codes_io  [in, out] u8: the codes of W turned (kernels::fp8_transpose)
/// @param sum_ni    if defined, what is added; may be overwritten
/// @return [n, in]
at::Tensor fp8_product_transposed(const at::Tensor& dy_no, const at::Tensor& codes_io, const at::Tensor& scale_o,
                                  at::Tensor sum_ni = {});

}  // namespace pst::quant
