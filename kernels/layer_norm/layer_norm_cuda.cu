// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// A row belongs to a block, or, where it is short, to a warp. Sums run over lanes in a fixed order, so bits repeat.
namespace pst::cuda {
namespace {

/// Sum over the row's columns of term(column). Every thread of the team gets it.
template <int kTeam, class Term>
__device__ float row_sum(std::int64_t width, int lane, const Term& term) {
  float sum = 0;
  for (std::int64_t column = lane; column < width; column += kTeam) sum += term(column);
  return team_sum<kTeam>(sum);
}

template <class T, int kTeam>
__global__ __launch_bounds__(kThreads) void forward(const T* x, const T* residual, const float* weight,
                                                    const float* bias, std::int64_t weights, std::int64_t width,
                                                    float eps, T* sum, T* y, float* statistics, std::int64_t rows) {
  constexpr int kTeams = kThreads / kTeam;
  const int lane = static_cast<int>(threadIdx.x) % kTeam;
  for (std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kTeams + threadIdx.x / kTeam; row < rows;
       row += static_cast<std::int64_t>(gridDim.x) * kTeams) {
    const std::int64_t begin = row * width;
    if (residual != nullptr)
      for (std::int64_t i = lane; i < width; i += kTeam)  // a thread reads again only what it wrote itself
        sum[begin + i] = narrow<T>(widen(x[begin + i]) + widen(residual[begin + i]));
    const T* const s = (residual != nullptr ? sum : x) + begin;
    const float count = static_cast<float>(width);
    const float mean = row_sum<kTeam>(width, lane, [&](std::int64_t i) { return widen(s[i]); }) / count;
    const float variance = row_sum<kTeam>(width, lane,
                                          [&](std::int64_t i) {
                                            const float away = widen(s[i]) - mean;
                                            return away * away;
                                          }) /
                           count;
    const float rstd = 1.0f / sqrtf(variance + eps);
    if (lane == 0) {
      statistics[2 * row] = mean;
      statistics[2 * row + 1] = rstd;
    }
    const std::int64_t of = row % weights * width;
    for (std::int64_t i = lane; i < width; i += kTeam)
      y[begin + i] =
          narrow<T>(weight[of + i] * ((widen(s[i]) - mean) * rstd) + (bias != nullptr ? bias[of + i] : 0.0f));
  }
}

// dx may be the memory of dsum or of dy: a thread writes a column after it has read it for the last time.
template <class T, int kTeam>
__global__ __launch_bounds__(kThreads) void backward(const T* dy, const T* dsum, const T* sum, const float* weight,
                                                     std::int64_t weights, std::int64_t width, const float* statistics,
                                                     T* dx, std::int64_t rows) {
  constexpr int kTeams = kThreads / kTeam;
  const int lane = static_cast<int>(threadIdx.x) % kTeam;
  for (std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kTeams + threadIdx.x / kTeam; row < rows;
       row += static_cast<std::int64_t>(gridDim.x) * kTeams) {
    const std::int64_t begin = row * width, of = row % weights * width;
    const float mean = statistics[2 * row], rstd = statistics[2 * row + 1], count = static_cast<float>(width);
    const auto g = [&](std::int64_t i) { return weight[of + i] * widen(dy[begin + i]); };
    const auto z = [&](std::int64_t i) { return (widen(sum[begin + i]) - mean) * rstd; };
    const float along = row_sum<kTeam>(width, lane, g) / count;
    const float turned = row_sum<kTeam>(width, lane, [&](std::int64_t i) { return g(i) * z(i); }) / count;
    for (std::int64_t i = lane; i < width; i += kTeam) {
      const float slope = rstd * (g(i) - along - z(i) * turned);
      dx[begin + i] = narrow<T>(dsum != nullptr ? widen(dsum[begin + i]) + slope : slope);
    }
  }
}

constexpr std::int64_t kWarpRow = 1024;  // columns up to which a warp takes a row

}  // namespace

int layer_norm(Stream stream, ConstView x, ConstView residual, ConstView weight, ConstView bias, std::int64_t width,
               float eps, View sum, View y, View statistics) {
  return with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const std::int64_t rows = x.count / width;
    const bool warps = width <= kWarpRow;
    return launch(warps ? forward<T, 32> : forward<T, kThreads>, blocks_for(rows, warps ? kThreads / 32 : 1), kThreads,
                  stream, static_cast<const T*>(x.data), static_cast<const T*>(residual.data),
                  static_cast<const float*>(weight.data), static_cast<const float*>(bias.data), weight.count / width,
                  width, eps, static_cast<T*>(sum.data), static_cast<T*>(y.data), static_cast<float*>(statistics.data),
                  rows);
  });
}

int layer_norm_backward(Stream stream, ConstView dy, ConstView dsum, ConstView sum, ConstView weight,
                        std::int64_t width, ConstView statistics, View dx) {
  return with_float(sum.dtype, [&](auto kind) {
    using T = decltype(kind);
    const std::int64_t rows = sum.count / width;
    const bool warps = width <= kWarpRow;
    return launch(warps ? backward<T, 32> : backward<T, kThreads>, blocks_for(rows, warps ? kThreads / 32 : 1),
                  kThreads, stream, static_cast<const T*>(dy.data), static_cast<const T*>(dsum.data),
                  static_cast<const T*>(sum.data), static_cast<const float*>(weight.data), weight.count / width, width,
                  static_cast<const float*>(statistics.data), static_cast<T*>(dx.data), rows);
  });
}

}  // namespace pst::cuda
