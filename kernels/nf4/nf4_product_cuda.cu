// SPDX-License-Identifier: Apache-2.0
#include "kernels/nf4/nf4_levels.cuh"

// A warp makes kRows rows of W at a time for all rows of x: a lane takes eight codes of each, and the eight values of x
// that go with them once. Bound by the reading of codes while x stays in the cache.
namespace pst::cuda {
namespace {

constexpr int kRows = 2;

template <class T, int N, bool kVectors>
__global__ __launch_bounds__(kThreads) void product(const T* x, const unsigned char* packed, const float* absmax,
                                                    std::int64_t block, int n, std::int64_t in, std::int64_t rows,
                                                    T* out, const __grid_constant__ Nf4Levels given) {
  __shared__ float levels[16];
  share_levels(given, levels);
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * (kThreads / 32) * kRows;
  for (std::int64_t row = (static_cast<std::int64_t>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32) * kRows;
       row < rows; row += stride) {
    float sums[kRows][N] = {};
    for (std::int64_t i = lane * 8; i < in; i += 32 * 8) {
      float w[kRows][8];
#pragma unroll
      for (int k = 0; k < kRows; ++k) {
        const std::int64_t index =
            (row + k < rows ? row + k : row) * in + i;  // a row too many is computed and not written
        std::uint32_t word = 0;
        if (kVectors) {
          word = *reinterpret_cast<const std::uint32_t*>(packed + index / 2);
        } else {
          for (int b = 0; b < 4; ++b) word |= static_cast<std::uint32_t>(packed[index / 2 + b]) << (8 * b);
        }
        const float scale = absmax[index / block];
#pragma unroll
        for (int v = 0; v < 8; ++v) w[k][v] = levels[nf4_code(word, v)] * scale;
      }
#pragma unroll
      for (int r = 0; r < N; ++r) {
        if (r >= n) break;
        float values[8];
        constexpr int V = kVectors ? kVector<T> : 1;
#pragma unroll
        for (int begin = 0; begin < 8; begin += V) {
          const Pack<T, V> part = read<V>(x, r * in + i + begin);
#pragma unroll
          for (int v = 0; v < V; ++v) values[begin + v] = widen(part.at[v]);
        }
#pragma unroll
        for (int k = 0; k < kRows; ++k)
#pragma unroll
          for (int v = 0; v < 8; ++v) sums[k][r] += values[v] * w[k][v];
      }
    }
#pragma unroll
    for (int k = 0; k < kRows; ++k)
#pragma unroll
      for (int r = 0; r < N; ++r) {
        const float total = warp_sum(sums[k][r]);
        if (lane == 0 && r < n && row + k < rows) out[r * rows + row + k] = narrow<T>(total);
      }
  }
}

template <class T, bool kVectors>
auto kernel_for(std::int64_t n) {
  if (n == 1) return product<T, 1, kVectors>;
  if (n <= 4) return product<T, 4, kVectors>;
  return product<T, 8, kVectors>;
}

}  // namespace

int nf4_product(Stream stream, ConstView x, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t rows,
                View out) {
  return with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const std::int64_t n = out.count / rows, in = x.count / n;
    const bool vectors = fits_vectors<T>(in, x.data) && reinterpret_cast<std::uintptr_t>(packed.data) % 4 == 0;
    return launch(vectors ? kernel_for<T, true>(n) : kernel_for<T, false>(n), blocks_for(rows, kThreads / 32 * kRows),
                  kThreads, stream, static_cast<const T*>(x.data), static_cast<const unsigned char*>(packed.data),
                  static_cast<const float*>(absmax.data), block, n, in, rows, static_cast<T*>(out.data), nf4_levels());
  });
}

}  // namespace pst::cuda
