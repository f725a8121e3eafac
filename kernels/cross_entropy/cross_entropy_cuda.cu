// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// A block per row, which is read twice: once for its maximum, the sum of its exponentials (which is scaled when a
// greater maximum comes) and that of its values together, once to become its gradient. A target outside the classes,
// which the CPU refuses, makes loss and row NaN.
namespace pst::cuda {
namespace {

constexpr int kRowThreads = 512;
constexpr float kLowest = -3.402823466e38f;  // finite: the difference of two is never NaN

struct Softmax {
  float top = kLowest, sum = 0;  // sum of e^(value - top)
  float values = 0;              // sum of them, for smoothed labels
  __device__ void add(float value) {
    if (value > top) {
      sum *= expf(top - value);
      top = value;
    }
    sum += expf(value - top);
    values += value;
  }
  __device__ void add(Softmax other) {
    const float higher = top > other.top ? top : other.top;
    sum = sum * expf(top - higher) + other.sum * expf(other.top - higher);
    top = higher;
    values += other.values;
  }
};

/// Of all threads of the block, in a fixed order; every thread gets it.
__device__ inline Softmax of_block(Softmax mine) {
  __shared__ Softmax parts[kRowThreads / 32];
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    Softmax other;
    other.top = __shfl_xor_sync(kWarp, mine.top, step);
    other.sum = __shfl_xor_sync(kWarp, mine.sum, step);
    other.values = __shfl_xor_sync(kWarp, mine.values, step);
    mine.add(other);
  }
  __syncthreads();  // what the last row left is read
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = mine;
  __syncthreads();
  Softmax all = parts[0];
#pragma unroll
  for (int i = 1; i < kRowThreads / 32; ++i) all.add(parts[i]);
  return all;
}

template <class T, int V>
__global__ __launch_bounds__(kRowThreads) void rows_of(T* logits, const std::int64_t* targets, float* loss,
                                                       int with_gradient, float scale, float smoothing,
                                                       std::int64_t rows, std::int64_t classes) {
  const float nan = __uint_as_float(0x7fc00000u);
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    T* const z = logits + row * classes;
    const std::int64_t target = targets[row];
    const bool inside = target >= 0 && target < classes;
    const float at_target = inside ? widen(z[target]) : nan;  // before anybody writes: of_block() waits for all threads

    Softmax mine;
    for (std::int64_t i = static_cast<std::int64_t>(threadIdx.x) * V; i < classes; i += kRowThreads * V) {
      const Pack<T, V> values = read<V>(z, i);
#pragma unroll
      for (int v = 0; v < V; ++v) mine.add(widen(values.at[v]));
    }
    const Softmax all = of_block(mine);
    if (threadIdx.x == 0) {
      const float plain = logf(all.sum) + all.top - at_target, mean = all.values / static_cast<float>(classes);
      loss[row] = smoothing > 0 ? plain + smoothing * (at_target - mean) : plain;
    }
    if (with_gradient == 0) continue;

    const float factor = inside ? scale / all.sum : nan, spread = scale * smoothing / static_cast<float>(classes);
    const float of_target = scale * (1 - smoothing);
    for (std::int64_t i = static_cast<std::int64_t>(threadIdx.x) * V; i < classes; i += kRowThreads * V) {
      Pack<T, V> values = read<V>(z, i);
#pragma unroll
      for (int v = 0; v < V; ++v) {
        const float slope = expf(widen(values.at[v]) - all.top) * factor - spread;
        values.at[v] = narrow<T>(i + v == target ? slope - of_target : slope);
      }
      write<V>(z, i, values);
    }
  }
}

}  // namespace

int cross_entropy(Stream stream, View logits, ConstView targets, View loss, int with_gradient, float scale,
                  float smoothing) {
  return with_float(logits.dtype, [&](auto kind) {
    using T = decltype(kind);
    const std::int64_t rows = targets.count, classes = logits.count / rows;
    auto* const values = static_cast<T*>(logits.data);
    constexpr int V = kVector<T>;
    const auto kernel = fits_vectors<T>(classes, values) ? rows_of<T, V> : rows_of<T, 1>;
    return launch(kernel, blocks_for(rows, 1), kRowThreads, stream, values,
                  static_cast<const std::int64_t*>(targets.data), static_cast<float*>(loss.data), with_gradient, scale,
                  smoothing, rows, classes);
  });
}

}  // namespace pst::cuda
