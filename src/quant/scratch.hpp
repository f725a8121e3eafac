#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace pst::quant {

/// The one place where the layers of a model dequantise their weights, one after the other: grows to the largest and
/// stays. For one thread, as a model's layers are.
class Scratch {
 public:
  /// Uninitialised, contiguous, valid until the next call. @return [rows, columns] of `dtype`
  at::Tensor matrix(std::int64_t rows, std::int64_t columns, at::ScalarType dtype);
  /// Another buffer, beside the matrix. @return f32 [count]
  at::Tensor scales(std::int64_t count);

 private:
  at::Tensor matrix_, scales_;
};

}  // namespace pst::quant
