// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/philox.cuh"

// The mask of kernels/dropout/dropout.cpp, bit for bit: there a group of 128 values takes 16 Philox blocks, and block l
// decides about values l, 16 + l, 32 + l ... A warp makes the 32 blocks of two groups, one a lane; ballots turn them
// about, so that each lane holds the choices of 8 values that lie side by side and moves them with 16-byte accesses.
namespace pst::cuda {
namespace {

constexpr std::int64_t kUnit = 256;  // values of a warp at a time: two groups

/// Bit v: whether value v of this lane's 8 is kept.
__device__ inline std::uint32_t choices(std::int64_t unit, int lane, std::uint32_t threshold, std::uint32_t key0,
                                        std::uint32_t key1) {
  std::uint32_t words[4];
  philox(static_cast<std::uint64_t>(unit) * 32 + static_cast<std::uint64_t>(lane), key0, key1, words);
  const int wanted = lane % 16 / 2;  // the 16 values among which this lane's 8 are
  std::uint32_t row = 0;
#pragma unroll
  for (int k = 0; k < 8; ++k) {
    const std::uint32_t choice = k < 4 ? words[k % 4] & 0xffffu : words[k % 4] >> 16;
    const std::uint32_t all = __ballot_sync(kWarp, choice >= threshold);
    if (k == wanted) row = all;
  }
  const int shift = lane / 16 * 16 + lane % 2 * 8;  // the lower half of the ballot is the first group's
  return row >> shift & 0xffu;
}

template <class T, bool kVectors>
__global__ __launch_bounds__(kThreads) void drop(const T* x, T* out, std::uint32_t threshold, float factor,
                                                 std::uint32_t key0, std::uint32_t key1, std::int64_t count) {
  constexpr int V = kVector<T>;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t units = (count + kUnit - 1) / kUnit,
                     stride = static_cast<std::int64_t>(gridDim.x) * (kThreads / 32);
  for (std::int64_t unit = static_cast<std::int64_t>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32; unit < units;
       unit += stride) {
    const std::uint32_t keep = choices(unit, lane, threshold, key0, key1);
    const std::int64_t begin = unit * kUnit + lane * 8;
    if (kVectors && begin + 8 <= count) {
#pragma unroll
      for (int i = 0; i < 8; i += V) {
        Pack<T, V> values = read<V>(x, begin + i);
#pragma unroll
        for (int v = 0; v < V; ++v)
          values.at[v] = narrow<T>(widen(values.at[v]) * ((keep >> (i + v) & 1u) != 0 ? factor : 0.0f));
        write<V>(out, begin + i, values);
      }
    } else {
      for (int v = 0; v < 8 && begin + v < count; ++v)
        out[begin + v] = narrow<T>(widen(x[begin + v]) * ((keep >> v & 1u) != 0 ? factor : 0.0f));
    }
  }
}

}  // namespace

int dropout(Stream stream, ConstView x, std::uint32_t threshold, float factor, std::uint32_t key0, std::uint32_t key1,
            View out) {
  return with_float(x.dtype, [&](auto kind) {
    using T = decltype(kind);
    const auto kernel = fits_vectors<T>(0, x.data, out.data) ? drop<T, true> : drop<T, false>;
    return launch(kernel, blocks_for(x.count, kUnit * (kThreads / 32)), kThreads, stream, static_cast<const T*>(x.data),
                  static_cast<T*>(out.data), threshold, factor, key0, key1, x.count);
  });
}

}  // namespace pst::cuda
