// SPDX-License-Identifier: Apache-2.0
#include "quant/scratch.hpp"

#include <ATen/ops/empty.h>

namespace pst::quant {
namespace {

at::Tensor taken(at::Tensor& buffer, std::int64_t count, const at::TensorOptions& options) {
  if (!buffer.defined() || buffer.dtype() != options.dtype() || buffer.numel() < count ||
      buffer.device() != options.device()) {
    buffer.reset();  // before there is another: the peak is one of them
    buffer = at::empty({count}, options);
  }
  return buffer.narrow(0, 0, count);
}

}  // namespace

at::Tensor Scratch::matrix(std::int64_t rows, std::int64_t columns, const at::Tensor& like) {
  return taken(matrix_, rows * columns, like.options().requires_grad(false)).view({rows, columns});
}

at::Tensor Scratch::scales(std::int64_t count, const at::Tensor& like) {
  return taken(scales_, count, like.options().dtype(at::kFloat).requires_grad(false));
}

}  // namespace pst::quant
