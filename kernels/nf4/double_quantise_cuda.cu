// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"
#include "kernels/nf4/nf4.hpp"

// One value in 64 of the weights comes through here. Multiplication and addition are rounded separately, as on the CPU.
namespace pst::cuda {
namespace {

__global__ __launch_bounds__(kThreads) void dequantise(const unsigned char* codes, const float* scale, const float* map,
                                                       const float* offset, std::int64_t first, std::int64_t count,
                                                       float* out) {
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t index = first + i;
    out[i] = __fadd_rn(__fmul_rn(map[codes[index]], scale[index / kernels::kDoubleBlock]), offset[0]);
  }
}

}  // namespace

int double_dequantise(Stream stream, ConstView codes, ConstView scale, ConstView map, ConstView offset,
                      std::int64_t first, View out) {
  return launch(dequantise, blocks_for(out.count, kThreads), kThreads, stream,
                static_cast<const unsigned char*>(codes.data), static_cast<const float*>(scale.data),
                static_cast<const float*>(map.data), static_cast<const float*>(offset.data), first, out.count,
                static_cast<float*>(out.data));
}

}  // namespace pst::cuda
