// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// A block turns one row after the other: its angles come from the cache after the first head. A position outside the
// table, which the CPU refuses, makes the row NaN: a GPU's memory is not looked at before the launch.
namespace pst::cuda {
namespace {

constexpr int kRopeThreads = 128;

template <class T, int V>
__global__ __launch_bounds__(kRopeThreads) void rotate(T* x, std::int64_t rows, Rotation at,
                                                       const std::int32_t* positions, const float* cosines,
                                                       const float* sines, std::int64_t table_rows) {
  const int half = static_cast<int>(at.half), packs = half / V, heads = static_cast<int>(at.heads);
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    const std::int64_t position = positions[row];
    const bool inside = position >= 0 && position < table_rows;
    const std::int64_t angles = (inside ? position : 0) * half;
    for (int item = static_cast<int>(threadIdx.x); item < heads * packs; item += kRopeThreads) {
      const int head = item / packs, i = item % packs * V;
      T* const first = x + (row * heads + head) * at.dim;
      Pack<T, V> a, b;
      if (at.interleaved) {
#pragma unroll
        for (int v = 0; v < V; ++v) {
          a.at[v] = first[2 * (i + v)];
          b.at[v] = first[2 * (i + v) + 1];
        }
      } else {
        a = read<V>(first, i);
        b = read<V>(first, half + i);
      }
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const float c = inside ? cosines[angles + i + v] : __uint_as_float(0x7fc00000u),
                    s = at.sign * sines[angles + i + v];
        const float left = widen(a.at[v]), right = widen(b.at[v]);
        a.at[v] = narrow<T>(left * c - right * s);
        b.at[v] = narrow<T>(right * c + left * s);
      }
      if (at.interleaved) {
#pragma unroll
        for (int v = 0; v < V; ++v) {
          first[2 * (i + v)] = a.at[v];
          first[2 * (i + v) + 1] = b.at[v];
        }
      } else {
        write<V>(first, i, a);
        write<V>(first, half + i, b);
      }
    }
  }
}

}  // namespace

int rope(Stream stream, View x, const Rotation& rotation, ConstView positions, ConstView cosines, ConstView sines) {
  return with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const std::int64_t rows = positions.count, table_rows = cosines.count / rotation.half;
    auto* const values = static_cast<T*>(x.data);
    constexpr int V = kVector<T>;
    const bool vectors = fits_vectors<T>(rotation.half, values) && rotation.dim % V == 0;
    const auto kernel = vectors ? rotate<T, V> : rotate<T, 1>;
    return launch(kernel, blocks_for(rows, 1), kRopeThreads, stream, values, rows, rotation,
                  static_cast<const std::int32_t*>(positions.data), static_cast<const float*>(cosines.data),
                  static_cast<const float*>(sines.data), table_rows);
  });
}

}  // namespace pst::cuda
