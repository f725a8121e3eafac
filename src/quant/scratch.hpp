// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::quant {

/// The one place where the layers of a model dequantise their weights, one after the other: grows to the largest and
/// stays. For one thread, as a model's layers are.
class Scratch {
 public:
  /// Uninitialised, contiguous, valid until the next call. @return [rows, columns] of the dtype and on the device of
  /// `like`
  at::Tensor matrix(std::int64_t rows, std::int64_t columns, const at::Tensor& like);
  /// Another buffer, beside the matrix. @return f32 [count] on the device of `like`
  at::Tensor scales(std::int64_t count, const at::Tensor& like);

 private:
  at::Tensor matrix_, scales_;
};

}  // namespace pst::quant
