// SPDX-License-Identifier: Apache-2.0
#pragma once
// The matrix product inside attention: a panel of C, R rows by V vectors of W floats, kept in registers while the depth
// runs by. Operands are our own f32 buffers, padded to whole panels. Every element is a sum over the depth in rising
// order, so its bits do not depend on R, V and W.
#include <cstring>

#include "kernels/detail/levels.hpp"
#include "kernels/detail/simd.hpp"

namespace pst::kernels::detail {

inline constexpr std::int64_t kVector = 16;  // floats that buffers are padded to; a multiple of every W

/// A(m, k) = data[m * row + k * step]; either stride may be 1, so a transpose costs nothing.
struct Left {
  const float* data;
  std::int64_t row, step;
};

template <int R, int V, int W>
PST_INLINE void panel(std::int64_t depth, Left a, const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                      bool add) {
  using Vector = typename VectorOf<W>::Type;
  static_assert(sizeof(Vector) == W * sizeof(float));
  Vector sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
      if (add)
        std::memcpy(&sum[r][v], c + r * c_row + v * W, sizeof(Vector));
      else
        sum[r][v] = Vector{};
    }
  for (std::int64_t k = 0; k < depth; ++k) {
    Vector right[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) std::memcpy(&right[v], b + k * b_row + v * W, sizeof(Vector));
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const float left = a.data[r * a.row + k * a.step];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] += left * right[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) std::memcpy(c + r * c_row + v * W, &sum[r][v], sizeof(Vector));
}

/// C[rows, columns] (+)= A B. @param rows a multiple of R;  columns: of kVector
template <int R, int V, int W>
PST_INLINE void multiply(std::int64_t rows, std::int64_t columns, std::int64_t depth, Left a, const float* b,
                         std::int64_t b_row, float* c, std::int64_t c_row, bool add) {
  static_assert(kVector % W == 0);
  std::int64_t n = 0;
  for (; n + V * W <= columns; n += V * W)
    for (std::int64_t m = 0; m < rows; m += R)
      panel<R, V, W>(depth, {a.data + m * a.row, a.row, a.step}, b + n, b_row, c + m * c_row + n, c_row, add);
  for (; n < columns; n += W)
    for (std::int64_t m = 0; m < rows; m += R)
      panel<R, 1, W>(depth, {a.data + m * a.row, a.row, a.step}, b + n, b_row, c + m * c_row + n, c_row, add);
}

}  // namespace pst::kernels::detail
