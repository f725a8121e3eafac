// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"
#include "kernels/cuda/philox.cuh"

// A thread makes a block of four words, for four values that lie side by side.
namespace pst::cuda {
namespace {

template <class T>
__global__ __launch_bounds__(kThreads) void noise(const float* magnitude, T* out, std::uint32_t key0,
                                                  std::uint32_t key1, std::int64_t width, std::int64_t count) {
  const std::int64_t blocks = (count + 3) / 4;
  for (std::int64_t block = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; block < blocks;
       block += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    std::uint32_t words[4];
    philox(static_cast<std::uint64_t>(block), key0, key1, words);
#pragma unroll
    for (int v = 0; v < 4; ++v) {
      const std::int64_t i = block * 4 + v;
      if (i >= count) break;
      const auto bits = static_cast<std::int32_t>(words[v] >> 8) - (1 << 23);
      out[i] = narrow<T>(static_cast<float>(bits) * 0x1p-23f * magnitude[i / width]);
    }
  }
}

}  // namespace

int uniform_noise(Stream stream, ConstView magnitude, std::uint32_t key0, std::uint32_t key1, View out) {
  return with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    return launch(noise<T>, blocks_for((out.count + 3) / 4, kThreads), kThreads, stream,
                  static_cast<const float*>(magnitude.data), static_cast<T*>(out.data), key0, key1,
                  out.count / magnitude.count, out.count);
  });
}

}  // namespace pst::cuda
