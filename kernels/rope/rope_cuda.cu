// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// A block turns one row after the other: its angles come from the cache after the first head. A position outside the
// table, which the CPU refuses, makes the row NaN: a GPU's memory is not looked at before the launch.
namespace pst::cuda {
namespace {

constexpr int kRopeThreads = 128;

template <class T, int V>
__global__ __launch_bounds__(kRopeThreads) void rotate(T* x, std::int64_t rows, int heads, int half,
                                                       const std::int32_t* positions, const float* cosines,
                                                       const float* sines, std::int64_t table_rows, float sign) {
  const int packs = half / V;
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const std::int64_t position = positions[row];
    const bool inside = position >= 0 && position < table_rows;
    const std::int64_t angles = (inside ? position : 0) * half;
    for (int item = static_cast<int>(threadIdx.x); item < heads * packs; item += kRopeThreads) {
      const int head = item / packs, i = item % packs * V;
      T* const first = x + (row * heads + head) * 2 * half;
      Pack<T, V> a = read<V>(first, i), b = read<V>(first, half + i);
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const float c = inside ? cosines[angles + i + v] : __uint_as_float(0x7fc00000u),
                    s = sign * sines[angles + i + v];
        const float left = widen(a.at[v]), right = widen(b.at[v]);
        a.at[v] = narrow<T>(left * c - right * s);
        b.at[v] = narrow<T>(right * c + left * s);
      }
      write<V>(first, i, a);
      write<V>(first, half + i, b);
    }
  }
}

}  // namespace

int rope(Stream stream, View x, std::int64_t heads, ConstView positions, ConstView cosines, ConstView sines,
         float sign) {
  return with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const std::int64_t rows = positions.count, half = x.count / (rows * heads * 2), table_rows = cosines.count / half;
    auto* const values = static_cast<T*>(x.data);
    constexpr int V = kVector<T>;
    const auto kernel = fits_vectors<T>(half, values) ? rotate<T, V> : rotate<T, 1>;
    return launch(kernel, blocks_for(rows, 1), kRopeThreads, stream, values, rows, heads, half,
                  static_cast<const std::int32_t*>(positions.data), static_cast<const float*>(cosines.data),
                  static_cast<const float*>(sines.data), table_rows, sign);
  });
}

}  // namespace pst::cuda
