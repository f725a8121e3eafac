// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// A tensor at a time, in seven small kernels: means of rows and columns, and two norms that all values wait for. Sums
// are in one order. scratch: of each column its root, of each row a sum of squares, of each matrix the mean of its
// rows' means, and two sums.
namespace pst::cuda {
namespace {

struct Tensor {
  AdafactorFactors f;
  std::int64_t matrices, rows, columns;  // of a vector one row
  bool factored;
  float* value;
  const float* gradient;
  float *row, *column, *scratch;

  __device__ float* roots() const { return scratch; }
  __device__ float* squares() const { return scratch + matrices * columns; }
  __device__ float* means() const { return squares() + matrices * rows; }
  __device__ float* sums() const { return means() + matrices; }  // of the values' squares, of the update's
  __device__ float factor(std::int64_t r) const {
    return factored ? f.gradient / sqrtf(row[r] / means()[r / rows]) : f.gradient;
  }
  __device__ float update(std::int64_t r, std::int64_t c, float factor_of_row) const {
    return factor_of_row * roots()[r / rows * columns + c] * gradient[r * columns + c];
  }
  std::int64_t row_count() const { return matrices * rows; }
};

/// Sums of squares of the values, and means of the gradients', by row.
__global__ __launch_bounds__(kThreads) void rows_kernel(Tensor t) {
  for (std::int64_t r = blockIdx.x; r < t.matrices * t.rows; r += gridDim.x) {
    float of_values = 0, of_gradients = 0;
    for (std::int64_t c = threadIdx.x; c < t.columns; c += kThreads) {
      const float x = t.value[r * t.columns + c], g = t.gradient[r * t.columns + c] * t.f.gradient;
      of_values += x * x;
      of_gradients += g * g + t.f.eps;
    }
    of_values = team_sum<kThreads>(of_values);
    of_gradients = team_sum<kThreads>(of_gradients);
    if (threadIdx.x != 0) continue;
    t.squares()[r] = of_values;
    if (t.factored) t.row[r] = t.row[r] * t.f.beta2 + of_gradients / static_cast<float>(t.columns) * t.f.rest2;
  }
}

__global__ __launch_bounds__(kThreads) void columns_kernel(Tensor t) {
  const std::int64_t all = t.matrices * t.columns;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < all;
       i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const float* const from = t.gradient + i / t.columns * t.rows * t.columns + i % t.columns;
    float sum = 0;
    for (std::int64_t r = 0; r < t.rows; ++r) {
      const float g = from[r * t.columns] * t.f.gradient;
      sum += g * g + t.f.eps;
    }
    const float column = t.column[i] * t.f.beta2 + sum / static_cast<float>(t.rows) * t.f.rest2;
    t.column[i] = column;
    t.roots()[i] = 1.0f / sqrtf(column);
  }
}

/// Of each matrix the mean of its rows' means: a block each.
__global__ __launch_bounds__(kThreads) void means_kernel(Tensor t) {
  for (std::int64_t m = blockIdx.x; m < t.matrices; m += gridDim.x) {
    float sum = 0;
    for (std::int64_t r = threadIdx.x; r < t.rows; r += kThreads) sum += t.row[m * t.rows + r];
    sum = team_sum<kThreads>(sum);
    if (threadIdx.x == 0) t.means()[m] = sum / static_cast<float>(t.rows);
  }
}

/// The rows' sums of squares, added by one block.
__global__ __launch_bounds__(kThreads) void total_kernel(Tensor t, int which) {
  float sum = 0;
  for (std::int64_t r = threadIdx.x; r < t.matrices * t.rows; r += kThreads) sum += t.squares()[r];
  sum = team_sum<kThreads>(sum);
  if (threadIdx.x == 0) t.sums()[which] = sum;
}

__global__ __launch_bounds__(kThreads) void squares_kernel(Tensor t) {
  for (std::int64_t r = blockIdx.x; r < t.matrices * t.rows; r += gridDim.x) {
    const float factor = t.factor(r);
    float sum = 0;
    for (std::int64_t c = threadIdx.x; c < t.columns; c += kThreads) {
      const float u = t.update(r, c, factor);
      sum += u * u;
    }
    sum = team_sum<kThreads>(sum);
    if (threadIdx.x == 0) t.squares()[r] = sum;
  }
}

__global__ __launch_bounds__(kThreads) void apply_kernel(Tensor t) {
  const float count = static_cast<float>(t.matrices * t.rows * t.columns);
  float lr = t.f.lr;
  if (t.f.least_scale > 0) {
    const float scale = sqrtf(t.sums()[0] / count);
    lr *= scale > t.f.least_scale ? scale : t.f.least_scale;
  }
  const float above = sqrtf(t.sums()[1] / count) / t.f.clip;
  const float size = lr / (above > 1.0f ? above : 1.0f), decay = 1.0f - lr * t.f.weight_decay;
  for (std::int64_t r = blockIdx.x; r < t.matrices * t.rows; r += gridDim.x) {
    const float factor = t.factor(r);
    for (std::int64_t c = threadIdx.x; c < t.columns; c += kThreads) {
      float* const x = t.value + r * t.columns + c;
      *x = *x * decay - t.update(r, c, factor) * size;
    }
  }
}

}  // namespace

int adafactor(Stream stream, AdafactorFactors factors, std::int64_t matrices, std::int64_t rows, std::int64_t columns,
              View value, ConstView gradient, View row, View column, View scratch) {
  const bool factored = rows > 0;
  const Tensor t{factors,
                 matrices,
                 factored ? rows : 1,
                 columns,
                 factored,
                 static_cast<float*>(value.data),
                 static_cast<const float*>(gradient.data),
                 static_cast<float*>(row.data),
                 static_cast<float*>(column.data),
                 static_cast<float*>(scratch.data)};
  const std::int64_t by_row = t.row_count() < kMostBlocks ? t.row_count() : kMostBlocks;
  if (const int error = launch(rows_kernel, by_row, kThreads, stream, t)) return error;
  if (const int error = launch(columns_kernel, blocks_for(matrices * columns, kThreads), kThreads, stream, t))
    return error;
  if (factored)
    if (const int error = launch(means_kernel, blocks_for(matrices, 1), kThreads, stream, t)) return error;
  if (const int error = launch(total_kernel, 1, kThreads, stream, t, 0)) return error;
  if (const int error = launch(squares_kernel, by_row, kThreads, stream, t)) return error;
  if (const int error = launch(total_kernel, 1, kThreads, stream, t, 1)) return error;
  return launch(apply_kernel, by_row, kThreads, stream, t);
}

}  // namespace pst::cuda
