#include "quant/scratch.hpp"

#include <ATen/ops/empty.h>

namespace pst::quant {
namespace {

at::Tensor taken(at::Tensor& buffer, std::int64_t count, at::ScalarType dtype) {
  if (!buffer.defined() || buffer.scalar_type() != dtype || buffer.numel() < count) {
    buffer.reset();  // before there is another: the peak is one of them
    buffer = at::empty({count}, dtype);
  }
  return buffer.narrow(0, 0, count);
}

}  // namespace

at::Tensor Scratch::matrix(std::int64_t rows, std::int64_t columns, at::ScalarType dtype) {
  return taken(matrix_, rows * columns, dtype).view({rows, columns});
}

at::Tensor Scratch::scales(std::int64_t count) { return taken(scales_, count, at::kFloat); }

}  // namespace pst::quant
