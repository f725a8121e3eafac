// SPDX-License-Identifier: Apache-2.0
#include "kernels/attention/cudnn_layout.hpp"
#include "kernels/cuda/device.cuh"

namespace pst::cuda {
namespace {

__global__ void put(CudnnLayout* to, CudnnLayout layout) { *to = layout; }

}  // namespace

int write_layout(Stream stream, const OneDocument& shape, CudnnLayout* to) {
  CudnnLayout layout;
  layout.length = static_cast<std::int32_t>(shape.rows);
  layout.query_borders[1] = static_cast<std::int32_t>(shape.rows * shape.heads * shape.dim);
  layout.key_borders[1] = static_cast<std::int32_t>(shape.rows * shape.key_value_heads * shape.dim);
  layout.sum_borders[1] = static_cast<std::int32_t>(shape.rows * shape.heads);
  return launch(put, 1, 1, stream, to, layout);
}

}  // namespace pst::cuda
