// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

namespace pst::cuda {
namespace {

/// As on the CPU (kernels/fp8/fp8.cpp says how), so that codes and values are its, bit for bit, on every architecture;
/// conversions in hardware begin with 8.9.
__device__ inline std::uint32_t to_e4m3(float value) {
  const std::uint32_t bits = __float_as_uint(value);
  std::uint32_t magnitude = bits & 0x7fffffffu;
  magnitude = magnitude < 0x43e00000u ? magnitude : 0x43e00000u;
  const std::uint32_t normal = ((magnitude + 0x7ffffu + ((magnitude >> 20) & 1u)) >> 20) - (120u << 3);
  const std::uint32_t tiny = __float_as_uint(__fadd_rn(__uint_as_float(magnitude), 0x1p14f)) - 0x46800000u;
  return (magnitude < 0x3c800000u ? tiny : normal) | ((bits >> 24) & 0x80u);
}

__device__ inline float from_e4m3(std::uint32_t code) {
  const std::uint32_t magnitude = code & 0x7fu;
  const float normal = __uint_as_float((magnitude << 20) + (120u << 23));
  const float tiny = __fmul_rn(static_cast<float>(magnitude), 0x1p-9f);
  return __uint_as_float(__float_as_uint(magnitude < 8 ? tiny : normal) | ((code & 0x80u) << 24));
}

/// Divides by one number many times: x / divisor rounded to nearest, as the division itself would, in six instructions
/// that do not branch. A quotient within one unit of its last place becomes the nearest one by a step with the exact
/// remainder and the nearest reciprocal (Markstein 1990, Computation of elementary functions on the IBM RISC
/// System/6000 processor); the first of two steps makes it such a one.
class Divisor {
 public:
  __device__ explicit Divisor(float value) : value_(value) { reciprocal_ = __fdiv_rn(1.0f, value); }
  /// Whether divided() is right: no remainder of a quotient that gets a code other than 0 leaves the range of floats,
  /// and no value divided is infinite or a NaN.
  __device__ bool is_plain() const { return value_ >= 0x1p-64f && value_ <= 0x1p64f; }
  /// @param x  of at most some thousand times the divisor
  __device__ float divided(float x) const {
    float quotient = __fmul_rn(x, reciprocal_);
    quotient = nearer(quotient, x);
    return copysignf(nearer(quotient, x), x);  // a zero keeps its sign
  }

 private:
  __device__ float nearer(float quotient, float x) const {
    return __fmaf_rn(__fmaf_rn(-quotient, value_, x), reciprocal_, quotient);
  }
  float value_, reciprocal_ = 0;
};

/// Codes of two finite numbers of at most 448 and some roundings, the first in the lower half.
__device__ inline std::uint32_t two_to_e4m3(float first, float second) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
  unsigned short codes;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %2, %1;" : "=h"(codes) : "f"(first), "f"(second));
  return codes;
#else
  return to_e4m3(first) | to_e4m3(second) << 8;
#endif
}

template <int V>
__device__ inline Pack<unsigned char, V> to_codes(const float* x) {
  Pack<unsigned char, V> to;
  if constexpr (V == 1) {
    to.at[0] = static_cast<unsigned char>(to_e4m3(x[0]));
  } else {
#pragma unroll
    for (int v = 0; v < V; v += 2) {
      const std::uint32_t two = two_to_e4m3(x[v], x[v + 1]);
      to.at[v] = static_cast<unsigned char>(two & 0xffu);
      to.at[v + 1] = static_cast<unsigned char>(two >> 8);
    }
  }
  return to;
}

/// Of the bits of magnitudes, which order as they do, a NaN above all.
__device__ inline std::uint32_t block_max(std::uint32_t value) {
  __shared__ std::uint32_t parts[kThreads / 32];
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const std::uint32_t other = __shfl_xor_sync(kWarp, value, step);
    value = other > value ? other : value;
  }
  __syncthreads();  // what the last row left is read
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  value = 0;
#pragma unroll
  for (int i = 0; i < kThreads / 32; ++i) value = parts[i] > value ? parts[i] : value;
  return value;
}

/// Values V of a row, times their columns' factors where there are any.
template <class T, int V, bool kFactors>
__device__ inline void read_row(const T* from, const float* factors, std::int64_t i, float* to) {
  const Pack<T, V> x = read<V>(from, i);
  if constexpr (kFactors) {
    const Pack<float, V> factor = read<V>(factors, i);
#pragma unroll
    for (int v = 0; v < V; ++v) to[v] = __fmul_rn(widen(x.at[v]), factor.at[v]);
  } else {
#pragma unroll
    for (int v = 0; v < V; ++v) to[v] = widen(x.at[v]);
  }
}

/// A block takes a row at a time: once for its largest magnitude, once, out of the cache, for its codes.
template <class T, int V, bool kFactors>
__global__ __launch_bounds__(kThreads) void quantise(const T* values, const float* factors, std::int64_t rows,
                                                     std::int64_t width, unsigned char* codes, float* scales) {
  const std::int64_t packs = width / V;  // V divides width
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const T* const from = values + row * width;
    std::uint32_t largest = 0;
    for (std::int64_t p = threadIdx.x; p < packs; p += kThreads) {
      float x[V];
      read_row<T, V, kFactors>(from, factors, p * V, x);
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const std::uint32_t magnitude = __float_as_uint(x[v]) & 0x7fffffffu;
        largest = magnitude > largest ? magnitude : largest;
      }
    }
    const float scale = __fdiv_rn(__uint_as_float(block_max(largest)), 448.0f);
    if (threadIdx.x == 0) scales[row] = scale;
    const float by = scale == 0.0f ? 1.0f : scale;
    const Divisor divisor(by);
    const bool plain = divisor.is_plain();
    for (std::int64_t p = threadIdx.x; p < packs; p += kThreads) {
      float x[V];
      read_row<T, V, kFactors>(from, factors, p * V, x);
      Pack<unsigned char, V> to;
      if (plain) {
#pragma unroll
        for (int v = 0; v < V; ++v) x[v] = divisor.divided(x[v]);
        to = to_codes<V>(x);
      } else {
#pragma unroll
        for (int v = 0; v < V; ++v) to.at[v] = static_cast<unsigned char>(to_e4m3(__fdiv_rn(x[v], by)));
      }
      write<V>(codes, row * width + p * V, to);
    }
  }
}

/// @param vectors  whether V codes never cross a row's end and every address fits: width, first and addresses are
/// multiples of V
template <class T, int V>
__global__ __launch_bounds__(kThreads) void dequantise(const unsigned char* codes, const float* scales,
                                                       std::int64_t width, std::int64_t first, std::int64_t count,
                                                       T* out) {
  const std::int64_t packs = count / V;  // V divides count
  for (std::int64_t p = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; p < packs;
       p += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t i = p * V;
    const float scale = scales[(first + i) / width];
    const Pack<unsigned char, V> from = read<V>(codes, first + i);
    Pack<T, V> to;
#pragma unroll
    for (int v = 0; v < V; ++v) to.at[v] = narrow<T>(__fmul_rn(from_e4m3(from.at[v]), scale));
    write<V>(out, i, to);
  }
}

constexpr int kTile = 128;  // codes of a side of the square that a block turns

/// A thread reads four codes out of each of four rows and turns them in registers; the words, each four rows of one
/// column, go round by way of shared memory, in every column begun one place further on, so that neither the writing
/// nor the reading warp meets itself in a bank.
__global__ __launch_bounds__(kThreads) void transpose(const std::uint32_t* from, std::int64_t rows, std::int64_t width,
                                                      std::uint32_t* to) {
  constexpr int kWords = kTile / 4;
  __shared__ std::uint32_t turned[kTile * kWords];
  const int lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  const std::int64_t across = (width + kTile - 1) / kTile, tiles = across * ((rows + kTile - 1) / kTile);
  for (std::int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const std::int64_t row0 = tile / across * kTile, column0 = tile % across * kTile;
    __syncthreads();  // the last tile is read
    for (int group = warp; group < kWords; group += kThreads / 32) {
      const std::int64_t row = row0 + group * 4, column = column0 + lane * 4;
      if (row >= rows || column >= width) continue;
      std::uint32_t in[4];
#pragma unroll
      for (int r = 0; r < 4; ++r) in[r] = from[((row + r) * width + column) / 4];
#pragma unroll
      for (int c = 0; c < 4; ++c) {
        std::uint32_t word = 0;
#pragma unroll
        for (int r = 0; r < 4; ++r) word |= ((in[r] >> (8 * c)) & 0xffu) << (8 * r);
        turned[(lane * 4 + c) * kWords + (group + lane) % kWords] = word;
      }
    }
    __syncthreads();
    for (int c = warp; c < kTile; c += kThreads / 32) {
      const std::int64_t row = row0 + lane * 4, column = column0 + c;
      if (row < rows && column < width) to[(column * rows + row) / 4] = turned[c * kWords + (lane + c / 4) % kWords];
    }
  }
}

template <class T, bool kFactors>
int quantise_rows(Stream stream, ConstView values, ConstView factors, std::int64_t width, View codes, View scales) {
  constexpr int V = kVector<T>;
  const bool vectors = width % V == 0 && reinterpret_cast<std::uintptr_t>(values.data) % 16 == 0 &&
                       reinterpret_cast<std::uintptr_t>(factors.data) % (4 * V) == 0 &&
                       reinterpret_cast<std::uintptr_t>(codes.data) % V == 0;
  const auto kernel = vectors ? quantise<T, V, kFactors> : quantise<T, 1, kFactors>;
  return launch(kernel, blocks_for(scales.count, 1), kThreads, stream, static_cast<const T*>(values.data),
                static_cast<const float*>(factors.data), scales.count, width, static_cast<unsigned char*>(codes.data),
                static_cast<float*>(scales.data));
}

}  // namespace

int fp8_quantise(Stream stream, ConstView values, ConstView factors, std::int64_t width, View codes, View scales) {
  return with_float(values.dtype, [&](auto kind) {
    using T = decltype(kind);
    return factors.data == nullptr ? quantise_rows<T, false>(stream, values, factors, width, codes, scales)
                                   : quantise_rows<T, true>(stream, values, factors, width, codes, scales);
  });
}

int fp8_transpose(Stream stream, ConstView codes, std::int64_t width, View out) {
  const std::int64_t rows = codes.count / width;
  const std::int64_t tiles = (width + kTile - 1) / kTile * ((rows + kTile - 1) / kTile);
  return launch(transpose, blocks_for(tiles, 1), kThreads, stream, static_cast<const std::uint32_t*>(codes.data), rows,
                width, static_cast<std::uint32_t*>(out.data));
}

int fp8_dequantise(Stream stream, ConstView codes, ConstView scales, std::int64_t width, std::int64_t first, View out) {
  return with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    constexpr int V = kVector<T>;
    const bool vectors = width % V == 0 && first % V == 0 && out.count % V == 0 &&
                         reinterpret_cast<std::uintptr_t>(codes.data) % V == 0 &&
                         reinterpret_cast<std::uintptr_t>(out.data) % 16 == 0;
    const auto kernel = vectors ? dequantise<T, V> : dequantise<T, 1>;
    return launch(kernel, blocks_for(out.count, kThreads * (vectors ? V : 1)), kThreads, stream,
                  static_cast<const unsigned char*>(codes.data), static_cast<const float*>(scales.data), width, first,
                  out.count, static_cast<T*>(out.data));
  });
}

}  // namespace pst::cuda
