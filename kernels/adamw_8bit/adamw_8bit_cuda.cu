// SPDX-License-Identifier: Apache-2.0
#include "kernels/adamw_8bit/adamw_8bit.hpp"
#include "kernels/cuda/device.cuh"

// A block of threads takes a block of values, one each. Moments have the bits of the CPU's: multiplications and
// additions are rounded separately but where they are fused there.
namespace pst::cuda {
namespace {

static_assert(kernels::kAdamW8Block == kThreads, "a value for each thread");

struct Code {
  const float* map;
  const unsigned char* nearest;
  unsigned char* codes;
  float* absmax;
};

/// The largest of the threads' values; every thread gets it.
__device__ inline float block_max(float value) {
  __shared__ float parts[kThreads];
  __syncthreads();  // what the last call left is read
  parts[threadIdx.x] = value;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half && parts[threadIdx.x] < parts[threadIdx.x + half])
      parts[threadIdx.x] = parts[threadIdx.x + half];
    __syncthreads();
  }
  return parts[0];
}

__device__ inline void encode(const Code& moment, std::int64_t block, std::int64_t i, bool is_there, float value) {
  const float largest = block_max(is_there ? (value < 0 ? -value : value) : 0.0f);
  if (threadIdx.x == 0) moment.absmax[block] = largest;
  if (!is_there) return;
  float x = largest == 0 ? -1.0f : __fmul_rn(value, __fdiv_rn(1.0f, largest));
  x = x < -1.0f ? -1.0f : x > 1.0f ? 1.0f : x;
  const float place = __fadd_rn(__fmul_rn(__fmul_rn(__fadd_rn(x, 1.0f), 0.5f), 65535.0f), 0.5f);
  moment.codes[i] = moment.nearest[static_cast<int>(place)];
}

__global__ __launch_bounds__(kThreads) void update(AdamW8Factors f, Code moment1, Code moment2, float* values,
                                                   const float* gradient, std::int64_t count) {
  const std::int64_t blocks = (count + kThreads - 1) / kThreads;
  for (std::int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    const std::int64_t i = block * kThreads + threadIdx.x;
    const bool is_there = i < count;
    float m = 0, v = 0;
    if (is_there) {
      const float g = __fmul_rn(gradient[i], f.gradient);
      m = __fmul_rn(moment1.map[moment1.codes[i]], moment1.absmax[block]);
      v = __fmul_rn(moment2.map[moment2.codes[i]], moment2.absmax[block]);
      m = __fmaf_rn(g, f.rest1, __fmul_rn(m, f.beta1));
      v = __fmaf_rn(__fmul_rn(f.rest2, g), g, __fmul_rn(v, f.beta2));
      const float root = sqrtf(v) * f.root_correction + f.eps;
      values[i] = values[i] * f.decay - f.step_size * m / root;
    }
    encode(moment1, block, i, is_there, m);  // its barrier: absmax is read by all before it is written
    encode(moment2, block, i, is_there, v);
  }
}

}  // namespace

int adamw_8bit(Stream stream, AdamW8Factors factors, ConstView map1, ConstView nearest1, ConstView map2,
               ConstView nearest2, View value, ConstView gradient, View codes1, View absmax1, View codes2,
               View absmax2) {
  const auto code = [](ConstView map, ConstView nearest, View codes, View absmax) {
    return Code{static_cast<const float*>(map.data), static_cast<const unsigned char*>(nearest.data),
                static_cast<unsigned char*>(codes.data), static_cast<float*>(absmax.data)};
  };
  return launch(update, blocks_for(value.count, kThreads), kThreads, stream, factors,
                code(map1, nearest1, codes1, absmax1), code(map2, nearest2, codes2, absmax2),
                static_cast<float*>(value.data), static_cast<const float*>(gradient.data), value.count);
}

}  // namespace pst::cuda
