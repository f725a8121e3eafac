// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the .cu files share. nvcc compiles them for GPUs; with PST_CUDA_EMULATED a C++ compiler compiles the same text,
// and blocks run on the CPU, a thread of a GPU being a fiber: that is how tests run kernels where there is no GPU
// (tests/support/cuda_emulated.hpp).
#include <cstdint>

#include "kernels/cuda/operations.hpp"

#ifdef PST_CUDA_EMULATED
#include "support/cuda_emulated.hpp"
#else
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#endif

namespace pst::cuda {

inline constexpr int kThreads = 256;  // of a block, unless a kernel says otherwise
inline constexpr std::int64_t kMostBlocks =
    8192;  // loops stride over the grid; more blocks than this fill no GPU better
inline constexpr unsigned kWarp = 0xffffffffu;

// ---- values

/// Elements of T in 16 bytes: the widest access of a thread.
template <class T>
inline constexpr int kVector = 16 / static_cast<int>(sizeof(T));

/// V values that are read and written at once; its address is a multiple of its size.
template <class T, int V>
struct alignas(sizeof(T) * V) Pack {
  T at[V];
};
template <int V, class T>
__device__ inline Pack<T, V> read(const T* from, std::int64_t index) {
  return *reinterpret_cast<const Pack<T, V>*>(from + index);
}
template <int V, class T>
__device__ inline void write(T* to, std::int64_t index, const Pack<T, V>& values) {
  *reinterpret_cast<Pack<T, V>*>(to + index) = values;
}

__device__ inline float widen(float value) { return value; }
__device__ inline float widen(bf16 value) { return __uint_as_float(static_cast<std::uint32_t>(value.bits) << 16); }
/// Rounds to nearest, ties to even, as core/view.hpp does.
template <class T>
__device__ T narrow(float value);
template <>
__device__ inline float narrow<float>(float value) {
  return value;
}
template <>
__device__ inline bf16 narrow<bf16>(float value) {
#ifdef PST_CUDA_EMULATED
  return to_bf16(value);
#else
  return {__bfloat16_as_ushort(__float2bfloat16_rn(value))};
#endif
}

/// Calls body with a value of the C++ type of a dtype that the operation has let through: f32 or bf16.
template <class Body>
int with_float(Dtype dtype, const Body& body) {
  return dtype == Dtype::f32 ? body(float{}) : body(bf16{});
}

/// Whether 16-byte accesses fit all of these addresses, and rows of `width` values that begin there.
template <class T, class... Pointers>
bool fits_vectors(std::int64_t width, const Pointers*... pointers) {
  const auto bits = (std::uintptr_t{0} | ... | reinterpret_cast<std::uintptr_t>(pointers));
  return bits % 16 == 0 && width % kVector<T> == 0;
}

/// Whether f32 values at this address can be read as many at a time as those of T.
template <class T>
bool fits_weights(const void* weights) {
  return reinterpret_cast<std::uintptr_t>(weights) % (sizeof(float) * kVector<T>) == 0;
}

// ---- sums in a fixed order

__device__ inline float warp_sum(float value) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) value += __shfl_xor_sync(kWarp, value, step);
  return value;
}

/// Sum over a team of threads: a warp, or the whole block of kThreads. Every thread gets it. All threads of the block
/// call it in the latter case.
template <int kTeam>
__device__ inline float team_sum(float value) {
  static_assert(kTeam == 32 || kTeam == kThreads, "a team is a warp or the block");
  value = warp_sum(value);
  if constexpr (kTeam > 32) {
    __shared__ float parts[kTeam / 32];
    __syncthreads();  // what the last call left is read
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = 0;
#pragma unroll
    for (int i = 0; i < kTeam / 32; ++i) value += parts[i];
  }
  return value;
}

// ---- launches

/// Queues a kernel of a one-dimensional grid. @return 0 or the error
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), std::int64_t blocks, int threads, Stream stream,
           const Arguments&... arguments) {
  if (blocks <= 0) return 0;  // nothing to do
#ifdef PST_CUDA_EMULATED
  (void)stream;
  emulated::run(blocks, threads, [&] { kernel(static_cast<Parameters>(arguments)...); });
  return 0;
#else
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = static_cast<cudaStream_t>(stream);
  return static_cast<int>(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
#endif
}

/// Blocks for `items` at `per_block` of them, at most kMostBlocks.
inline std::int64_t blocks_for(std::int64_t items, std::int64_t per_block) {
  const std::int64_t blocks = (items + per_block - 1) / per_block;
  return blocks < kMostBlocks ? blocks : kMostBlocks;
}

/// work.at<V>(i) for every V values, and work.at<1>(i) for those that are left over.
template <int V, class Work>
__global__ __launch_bounds__(kThreads) void each_kernel(std::int64_t count, Work work) {
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t packs = count / V;
  for (std::int64_t i = first; i < packs; i += static_cast<std::int64_t>(gridDim.x) * kThreads)
    work.template at<V>(i * V);
  if constexpr (V > 1)
    if (first < count - packs * V) work.template at<1>(packs * V + first);  // fewer than V: threads of block 0
}

/// @param vectors  whether every array that `work` touches begins at a multiple of 16 bytes
template <class T, class Work>
int each(Stream stream, std::int64_t count, bool vectors, const Work& work) {
  constexpr int V = kVector<T>;
  if (vectors)
    return launch(each_kernel<V, Work>, blocks_for(count, std::int64_t{kThreads} * V), kThreads, stream, count, work);
  return launch(each_kernel<1, Work>, blocks_for(count, kThreads), kThreads, stream, count, work);
}

/// Memory for the kernels of one call, in the stream's order.
class Scratch {
 public:
  Scratch(Stream stream, std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  int error() const { return error_; }
  template <class T>
  T* as() const {
    return static_cast<T*>(memory_);
  }
  int clear() const;  ///< to zeros
  /// Copies bytes from `begin` on to the host, and waits.
  int read(void* to, std::size_t begin, std::size_t bytes) const;

 private:
  Stream stream_;
  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  int error_ = 0;
};

}  // namespace pst::cuda
