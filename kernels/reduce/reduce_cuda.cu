// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

namespace pst::cuda {
namespace {

struct Add {
  float* into;
  const float* from;
  template <int V>
  __device__ void at(std::int64_t i) const {
    Pack<float, V> sum = read<V>(into, i);
    const Pack<float, V> more = read<V>(from, i);
#pragma unroll
    for (int v = 0; v < V; ++v) sum.at[v] += more.at[v];
    write<V>(into, i, sum);
  }
};

struct Scale {
  float* x;
  float factor;
  template <int V>
  __device__ void at(std::int64_t i) const {
    Pack<float, V> values = read<V>(x, i);
#pragma unroll
    for (int v = 0; v < V; ++v) values.at[v] *= factor;
    write<V>(x, i, values);
  }
};

/// Shares begin .. begin + N - 1 at one place, added along the tree of kernels::sum_shares: a share is read once.
template <int V, int N>
__device__ inline Pack<float, V> tree(const float* shares, std::int64_t share, std::int64_t i) {
  if constexpr (N == 1) {
    return read<V>(shares, i);
  } else {
    constexpr int kLeft = (N + 1) / 2;
    Pack<float, V> sum = tree<V, kLeft>(shares, share, i);
    const Pack<float, V> right = tree<V, N - kLeft>(shares + kLeft * share, share, i);
#pragma unroll
    for (int v = 0; v < V; ++v) sum.at[v] += right.at[v];
    return sum;
  }
}

template <int N>
struct SumShares {
  float* shares;
  std::int64_t share;
  template <int V>
  __device__ void at(std::int64_t i) const {
    write<V>(shares, i, tree<V, N>(shares, share, i));
  }
};

template <int N>
int sum_of(Stream stream, float* shares, std::int64_t share) {
  const bool vectors = fits_vectors<float>(share, shares);
  return each<float>(stream, share, vectors, SumShares<N>{shares, share});
}

int add_at(Stream stream, float* into, const float* from, std::int64_t count) {
  return each<float>(stream, count, fits_vectors<float>(0, into, from), Add{into, from});
}

/// For other numbers of ranks: the tree's additions one after the other.
int sum_one_by_one(Stream stream, float* shares, std::int64_t share, std::int64_t ranks) {
  if (ranks <= 1) return 0;
  const std::int64_t left = (ranks + 1) / 2;
  if (const int error = sum_one_by_one(stream, shares, share, left)) return error;
  if (const int error = sum_one_by_one(stream, shares + left * share, share, ranks - left)) return error;
  return add_at(stream, shares, shares + left * share, share);
}

// Sum of squares with the bits of the CPU's: blocks of 8192, in each 16 lanes that add every 16th value, lanes added in
// order, then blocks in order. A product of two f32 is exact in f64, so fused and separate additions agree.
constexpr std::int64_t kBlock = 8192;  // kSquareBlock
constexpr int kLanes = 16;

__global__ __launch_bounds__(kThreads) void square_blocks(const float* x, std::int64_t count, std::int64_t blocks,
                                                          double* sums) {
  constexpr int kTogether = kThreads / kLanes;
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const std::int64_t rounds = (blocks + kTogether - 1) / kTogether;
  for (std::int64_t round = blockIdx.x; round < rounds;
       round += gridDim.x) {  // the same for all threads of a warp: they shuffle
    const std::int64_t block = round * kTogether + threadIdx.x / kLanes;
    const std::int64_t begin = block * kBlock;
    const std::int64_t left = block < blocks ? count - begin : 0;
    const std::int64_t size = left < kBlock ? left : kBlock, whole = size - size % kLanes;
    double sum = 0;
#pragma unroll 8
    for (std::int64_t i = lane; i < whole; i += kLanes) {
      const double value = static_cast<double>(x[begin + i]);
      sum += value * value;
    }
    if (lane == 0)
      for (std::int64_t i = whole; i < size; ++i) {
        const double value = static_cast<double>(x[begin + i]);
        sum += value * value;
      }
    double total = 0;
    for (int l = 0; l < kLanes; ++l)
      total += __shfl_sync(kWarp, sum, (static_cast<int>(threadIdx.x) % 32 / kLanes) * kLanes + l);
    if (lane == 0 && block < blocks) sums[block] = total;
  }
}

int square_blocks_of(Stream stream, ConstView x, std::int64_t blocks, double* sums) {
  return launch(square_blocks, blocks_for(blocks, kThreads / kLanes), kThreads, stream,
                static_cast<const float*>(x.data), x.count, blocks, sums);
}

/// sums[blocks] = the others added in order. One block.
__global__ __launch_bounds__(kThreads) void add_in_order(double* sums, std::int64_t blocks) {
  __shared__ double part[kThreads];
  double total = 0;
  for (std::int64_t begin = 0; begin < blocks; begin += kThreads) {
    __syncthreads();
    if (begin + threadIdx.x < blocks) part[threadIdx.x] = sums[begin + threadIdx.x];
    __syncthreads();
    if (threadIdx.x == 0)
      for (std::int64_t i = 0; i < kThreads && begin + i < blocks; ++i) total += part[i];
  }
  if (threadIdx.x == 0) sums[blocks] = total;
}

}  // namespace

int add(Stream stream, View into, ConstView from) {
  return add_at(stream, static_cast<float*>(into.data), static_cast<const float*>(from.data), into.count);
}

int scale(Stream stream, View x, float factor) {
  auto* const values = static_cast<float*>(x.data);
  return each<float>(stream, x.count, fits_vectors<float>(0, values), Scale{values, factor});
}

int sum_shares(Stream stream, View shares, std::int64_t ranks) {
  auto* const values = static_cast<float*>(shares.data);
  const std::int64_t share = shares.count / ranks;
  switch (ranks) {
    case 1: return 0;
    case 2: return sum_of<2>(stream, values, share);
    case 3: return sum_of<3>(stream, values, share);
    case 4: return sum_of<4>(stream, values, share);
    case 8: return sum_of<8>(stream, values, share);
    case 16: return sum_of<16>(stream, values, share);
    case 32: return sum_of<32>(stream, values, share);
    default: return sum_one_by_one(stream, values, share, ranks);
  }
}

int sum_of_squares(Stream stream, ConstView x, double* sum) {
  const std::int64_t blocks = (x.count + kBlock - 1) / kBlock;
  const Scratch sums(stream, static_cast<std::size_t>(blocks + 1) * sizeof(double));
  if (sums.error() != 0) return sums.error();
  auto* const values = sums.as<double>();
  if (const int error = square_blocks_of(stream, x, blocks, values)) return error;
  if (const int error = launch(add_in_order, 1, kThreads, stream, values, blocks)) return error;
  return sums.read(sum, static_cast<std::size_t>(blocks) * sizeof(double), sizeof(double));
}

int squares_of_blocks(Stream stream, ConstView x, double* all) {
  const std::int64_t blocks = (x.count + kBlock - 1) / kBlock;
  const std::size_t bytes = static_cast<std::size_t>(blocks) * sizeof(double);
  const Scratch sums(stream, bytes);
  if (sums.error() != 0) return sums.error();
  if (const int error = square_blocks_of(stream, x, blocks, sums.as<double>())) return error;
  return sums.read(all, 0, bytes);
}

}  // namespace pst::cuda
