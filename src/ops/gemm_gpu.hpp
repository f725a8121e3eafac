// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

// Products on a GPU by the module for GPUs, which asks cuBLASLt once per shape; libtorch's own ways ask every time.
namespace pst::ops {

struct Factor {
  at::Tensor matrix;  ///< two-dimensional, f32 or bf16, or u8: codes of kernels/fp8
  bool transposed = false;
  at::Tensor scales = {};  ///< of codes: f32, one per row of the product (left factor) or column (right factor)
};

/// out = alpha * a b + beta * out, sums in f32.
/// @param out  [rows of a, columns of b], f32 or bf16
/// @return     whether it was done: not for tensors that are not by rows in memory, nor where the module or the library
///             cannot do it, which is the same for equal shapes
/// @throws Error(unfit) when the GPU refuses
bool multiply_on_gpu(const Factor& a, const Factor& b, const at::Tensor& out, double alpha = 1, double beta = 0);

}  // namespace pst::ops
