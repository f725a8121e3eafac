// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"
#include "kernels/nf4/nf4.hpp"

// Every operation is rounded by itself (__fmul_rn is never fused): codes are bitsandbytes'. A block's largest magnitude
// is found by a warp.
namespace pst::cuda {
namespace {

constexpr float kSmallest = 1e-38f;

template <class T>
__global__ __launch_bounds__(kThreads) void largest_of_blocks(const T* values, std::int64_t n, std::int64_t block,
                                                              float* absmax, std::int64_t blocks) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (std::int64_t b = static_cast<std::int64_t>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32; b < blocks;
       b += static_cast<std::int64_t>(gridDim.x) * (kThreads / 32)) {
    const std::int64_t left = n - b * block, count = left < block ? left : block;
    unsigned largest = 0;  // compared as integers, a NaN is larger than an infinity
    for (std::int64_t i = lane; i < count; i += 32) {
      const unsigned bits = __float_as_uint(widen(values[b * block + i])) & 0x7fffffffu;
      largest = bits > largest ? bits : largest;
    }
#pragma unroll
    for (int step = 16; step > 0; step /= 2) {
      const unsigned other = __shfl_xor_sync(kWarp, largest, step);
      largest = other > largest ? other : largest;
    }
    const float found = __uint_as_float(largest);
    if (lane == 0) absmax[b] = count < block && found < kSmallest ? kSmallest : found;
  }
}

struct Levels {
  float at[16];
};

__device__ inline unsigned code_of(float x, const Levels& midpoints) {
  unsigned code = 0;
#pragma unroll
  for (int c = 0; c < 15; ++c) code += midpoints.at[c] < x ? 1u : 0u;
  return code;
}

/// One byte a thread: two codes.
template <class T>
__global__ __launch_bounds__(kThreads) void encode(const T* values, std::int64_t count, std::int64_t first,
                                                   std::int64_t n, const float* absmax, std::int64_t block,
                                                   unsigned char* packed, Levels midpoints) {
  const std::int64_t bytes = (count + 1) / 2;
  for (std::int64_t byte = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; byte < bytes;
       byte += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    unsigned pair = 0;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t i = byte * 2 + half;
      unsigned code = 7;  // after an odd number of values
      if (i < count) {
        const std::int64_t b = (first + i) / block;
        const float scale = absmax[b], value = widen(values[i]);
        const bool ragged = (b + 1) * block > n;
        const float floor = scale < kSmallest ? kSmallest : scale;
        code = code_of(ragged ? __fdiv_rn(value, scale) : __fmul_rn(value, __fdiv_rn(1.0f, floor)), midpoints);
      }
      pair = pair << 4 | code;
    }
    packed[byte] = static_cast<unsigned char>(pair);
  }
}

}  // namespace

int nf4_absmax(Stream stream, ConstView values, std::int64_t block, View absmax) {
  return with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    return launch(largest_of_blocks<T>, blocks_for(absmax.count, kThreads / 32), kThreads, stream,
                  static_cast<const T*>(values.data), values.count, block, static_cast<float*>(absmax.data),
                  absmax.count);
  });
}

int nf4_encode(Stream stream, ConstView values, std::int64_t first, std::int64_t n, ConstView absmax,
               std::int64_t block, View packed) {
  Levels midpoints = {};
  for (std::size_t c = 0; c < 15; ++c) midpoints.at[c] = (kernels::kNf4Levels[c] + kernels::kNf4Levels[c + 1]) / 2;
  return with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    return launch(encode<T>, blocks_for(packed.count, kThreads), kThreads, stream, static_cast<const T*>(values.data),
                  values.count, first, n, static_cast<const float*>(absmax.data), block,
                  static_cast<unsigned char*>(packed.data), midpoints);
  });
}

}  // namespace pst::cuda
