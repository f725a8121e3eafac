// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// A row belongs to a warp while its packs fit the warp's registers, else to a block: memory is read once, and the row's
// sum takes shuffles only. Sums run over lanes in a fixed order, so bits repeat.
namespace pst::cuda {
namespace {

// kKept packs of a thread stay in registers; a wider row is read again. Two of them are for rows that are no wider:
// these registers suffice for enough blocks to keep the memory busy.
template <int kKept>
constexpr int kForwardBlocks = kKept <= 2 ? 4 : 2;
template <int kKept>
constexpr int kBackwardBlocks = kKept <= 2 ? 3 : 2;

template <class T, int V, int kTeam, int kKept>
struct Row {
  static constexpr int kTeams = kThreads / kTeam;
  std::int64_t width;
  int lane = static_cast<int>(threadIdx.x) % kTeam;

  __device__ explicit Row(std::int64_t width_) : width(width_) {}
  __device__ static std::int64_t first() {
    return static_cast<std::int64_t>(blockIdx.x) * kTeams + threadIdx.x / kTeam;
  }
  __device__ static std::int64_t stride() { return static_cast<std::int64_t>(gridDim.x) * kTeams; }

  /// Calls body(kept index or kKept, column) for this thread's packs.
  template <class Body>
  __device__ void packs(const Body& body) const {
#pragma unroll
    for (int k = 0; k < kKept; ++k) {
      const std::int64_t column = (static_cast<std::int64_t>(k) * kTeam + lane) * V;
      if (column < width) body(k, column);
    }
    if constexpr (kKept > 2)
      for (std::int64_t column = (static_cast<std::int64_t>(kKept) * kTeam + lane) * V; column < width;
           column += kTeam * V)
        body(kKept, column);
  }
};

template <class T, int V, int kTeam, int kKept>
__global__ __launch_bounds__(kThreads, kForwardBlocks<kKept>) void forward(const T* x, const T* residual,
                                                                           const float* weight, float eps, T* sum, T* y,
                                                                           float* rstd, std::int64_t rows,
                                                                           std::int64_t width) {
  const Row<T, V, kTeam, kKept> row(width);
  for (std::int64_t r = row.first(); r < rows; r += row.stride()) {
    const std::int64_t begin = r * width;
    Pack<T, V> kept[kKept];
    float squares = 0;
    row.packs([&](int k, std::int64_t column) {
      Pack<T, V> s = read<V>(x, begin + column);
      if (residual != nullptr) {
        const Pack<T, V> more = read<V>(residual, begin + column);
#pragma unroll
        for (int v = 0; v < V; ++v) s.at[v] = narrow<T>(widen(s.at[v]) + widen(more.at[v]));
        write<V>(sum, begin + column, s);
      }
#pragma unroll
      for (int v = 0; v < V; ++v) squares += widen(s.at[v]) * widen(s.at[v]);
      if (k < kKept) kept[k] = s;
    });
    const float scale = 1.0f / sqrtf(team_sum<kTeam>(squares) / static_cast<float>(width) + eps);
    if (row.lane == 0) rstd[r] = scale;
    const T* const again = residual != nullptr ? sum : x;
    row.packs([&](int k, std::int64_t column) {
      const Pack<T, V> s = k < kKept ? kept[k] : read<V>(again, begin + column);
      const Pack<float, V> w = read<V>(weight, column);
      Pack<T, V> out;
#pragma unroll
      for (int v = 0; v < V; ++v) out.at[v] = narrow<T>(w.at[v] * (widen(s.at[v]) * scale));
      write<V>(y, begin + column, out);
    });
  }
}

// dx may be the memory of dsum or of dy: a thread writes a column after it has read it for the last time.
template <class T, int V, int kTeam, int kKept>
__global__ __launch_bounds__(kThreads, kBackwardBlocks<kKept>) void backward(const T* dy, const T* dsum, const T* sum,
                                                                             const float* weight, const float* rstd,
                                                                             T* dx, std::int64_t rows,
                                                                             std::int64_t width) {
  const Row<T, V, kTeam, kKept> row(width);
  for (std::int64_t r = row.first(); r < rows; r += row.stride()) {
    const std::int64_t begin = r * width;
    constexpr bool kAhead = kKept <= 2;  // dsum is asked for before the row's sum is there
    Pack<T, V> kept_g[kKept], kept_s[kKept], kept_more[kKept];
    const float scale = rstd[r];
    float products = 0;
    row.packs([&](int k, std::int64_t column) {
      if (kAhead && k < kKept && dsum != nullptr) kept_more[k] = read<V>(dsum, begin + column);
      const Pack<T, V> g = read<V>(dy, begin + column), s = read<V>(sum, begin + column);
      const Pack<float, V> w = read<V>(weight, column);
#pragma unroll
      for (int v = 0; v < V; ++v) products += w.at[v] * widen(g.at[v]) * widen(s.at[v]);
      if (k < kKept) {
        kept_g[k] = g;
        kept_s[k] = s;
      }
    });
    const float shared = team_sum<kTeam>(products) / static_cast<float>(width) * scale * scale;
    row.packs([&](int k, std::int64_t column) {
      const Pack<T, V> g = k < kKept ? kept_g[k] : read<V>(dy, begin + column);
      const Pack<T, V> s = k < kKept ? kept_s[k] : read<V>(sum, begin + column);
      const Pack<float, V> w = read<V>(weight, column);
      Pack<T, V> more = {}, out;
      if (dsum != nullptr) more = kAhead && k < kKept ? kept_more[k] : read<V>(dsum, begin + column);
#pragma unroll
      for (int v = 0; v < V; ++v)
        out.at[v] = narrow<T>(widen(more.at[v]) + scale * (w.at[v] * widen(g.at[v]) - widen(s.at[v]) * shared));
      write<V>(dx, begin + column, out);
    });
  }
}

/// Calls start.run<T, V, team, kept>(blocks) with what fits the rows.
template <class T, class Start>
int choose(std::int64_t rows, std::int64_t width, bool vectors, const Start& start) {
  constexpr int V = kVector<T>;
  if (vectors && width <= 32 * V * 4) return start.template run<T, V, 32, 4>(blocks_for(rows, kThreads / 32));
  if (vectors && width <= kThreads * V * 2) return start.template run<T, V, kThreads, 2>(blocks_for(rows, 1));
  if (vectors) return start.template run<T, V, kThreads, 4>(blocks_for(rows, 1));
  if (width <= 32 * 4) return start.template run<T, 1, 32, 4>(blocks_for(rows, kThreads / 32));
  return start.template run<T, 1, kThreads, 4>(blocks_for(rows, 1));
}

struct Forward {
  Stream stream;
  ConstView x, residual, weight;
  float eps;
  View sum, y, rstd;
  template <class T, int V, int kTeam, int kKept>
  int run(std::int64_t blocks) const {
    return launch(forward<T, V, kTeam, kKept>, blocks, kThreads, stream, static_cast<const T*>(x.data),
                  static_cast<const T*>(residual.data), static_cast<const float*>(weight.data), eps,
                  static_cast<T*>(sum.data), static_cast<T*>(y.data), static_cast<float*>(rstd.data),
                  x.count / weight.count, weight.count);
  }
};

struct Backward {
  Stream stream;
  ConstView dy, dsum, sum, weight, rstd;
  View dx;
  template <class T, int V, int kTeam, int kKept>
  int run(std::int64_t blocks) const {
    return launch(backward<T, V, kTeam, kKept>, blocks, kThreads, stream, static_cast<const T*>(dy.data),
                  static_cast<const T*>(dsum.data), static_cast<const T*>(sum.data),
                  static_cast<const float*>(weight.data), static_cast<const float*>(rstd.data),
                  static_cast<T*>(dx.data), sum.count / weight.count, weight.count);
  }
};

}  // namespace

int rms_norm(Stream stream, ConstView x, ConstView residual, ConstView weight, float eps, View sum, View y, View rstd) {
  return with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const void* const second = residual.data != nullptr ? sum.data : nullptr;
    const bool vectors =
        fits_vectors<T>(weight.count, x.data, residual.data, second, y.data) && fits_weights<T>(weight.data);
    return choose<T>(x.count / weight.count, weight.count, vectors,
                     Forward{stream, x, residual, weight, eps, sum, y, rstd});
  });
}

int rms_norm_backward(Stream stream, ConstView dy, ConstView dsum, ConstView sum, ConstView weight, ConstView rstd,
                      View dx) {
  return with_float(sum.dtype, [&](auto kind) {
    using T = decltype(kind);
    const bool vectors =
        fits_vectors<T>(weight.count, dy.data, dsum.data, sum.data, dx.data) && fits_weights<T>(weight.data);
    return choose<T>(sum.count / weight.count, weight.count, vectors,
                     Backward{stream, dy, dsum, sum, weight, rstd, dx});
  });
}

}  // namespace pst::cuda
