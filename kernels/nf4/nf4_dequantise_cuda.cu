// SPDX-License-Identifier: Apache-2.0
#include "kernels/nf4/nf4_levels.cuh"

// A thread takes eight codes out of a 32-bit word and writes 16 (bf16) or 32 (f32) bytes: warps read 128 bytes and
// write 512 or 1024 without a gap. Four words are on their way at once.
namespace pst::cuda {
namespace {

constexpr int kAtOnce = 4;

template <class T>
__device__ inline void write8(T* out, std::int64_t i, std::uint32_t word, float scale, const float* levels) {
  constexpr int V = kVector<T>;
#pragma unroll
  for (int begin = 0; begin < 8; begin += V) {
    Pack<T, V> values;
#pragma unroll
    for (int v = 0; v < V; ++v) values.at[v] = narrow<T>(__fmul_rn(levels[nf4_code(word, begin + v)], scale));
    write<V>(out, i + begin, values);
  }
}

/// Words of eight codes; first, block and the addresses are multiples of what that takes.
/// @param shift  log2 of words in a block, or -1 where that is no whole number
template <class T>
__global__ __launch_bounds__(kThreads) void by_words(const std::uint32_t* packed, const float* absmax,
                                                     std::int64_t first_word, int shift, std::int64_t words_of_block,
                                                     std::int64_t words, T* out,
                                                     const __grid_constant__ Nf4Levels given) {
  __shared__ float levels[16];
  share_levels(given, levels);
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; begin < words;
       begin += stride * kAtOnce) {
    std::uint32_t word[kAtOnce];
    float scale[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      const std::int64_t i = begin + k * stride;
      if (i >= words) break;
      const std::int64_t at = first_word + i;
      word[k] = packed[at];
      scale[k] = absmax[shift >= 0 ? at >> shift : at / words_of_block];
    }
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      const std::int64_t i = begin + k * stride;
      if (i < words) write8(out, i * 8, word[k], scale[k], levels);
    }
  }
}

/// One value a thread: any first, any count, any block.
template <class T>
__global__ __launch_bounds__(kThreads) void by_values(const unsigned char* packed, const float* absmax,
                                                      std::int64_t block, std::int64_t first, std::int64_t count,
                                                      T* out, const __grid_constant__ Nf4Levels given) {
  __shared__ float levels[16];
  share_levels(given, levels);
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < count;
       i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t index = first + i;
    const unsigned byte = packed[index / 2], code = index % 2 == 0 ? byte >> 4 : byte & 15u;
    out[i] = narrow<T>(__fmul_rn(levels[code], absmax[index / block]));
  }
}

int log2_of(std::int64_t value) {
  for (int shift = 0; shift < 62; ++shift)
    if (std::int64_t{1} << shift == value) return shift;
  return -1;
}

}  // namespace

int nf4_dequantise(Stream stream, ConstView packed, ConstView absmax, std::int64_t block, std::int64_t first,
                   View out) {
  return with_float(out.dtype, [&](auto kind) {
    using T = decltype(kind);
    const auto* const bytes = static_cast<const unsigned char*>(packed.data);
    const auto* const scales = static_cast<const float*>(absmax.data);
    auto* const into = static_cast<T*>(out.data);
    const bool words_fit = first % 8 == 0 && block % 8 == 0 && reinterpret_cast<std::uintptr_t>(bytes) % 4 == 0 &&
                           reinterpret_cast<std::uintptr_t>(into) % 16 == 0;
    const std::int64_t words = words_fit ? out.count / 8 : 0, rest = out.count - words * 8;
    if (const int error = launch(by_words<T>, blocks_for(words, kThreads * kAtOnce), kThreads, stream,
                                 reinterpret_cast<const std::uint32_t*>(bytes), scales, first / 8, log2_of(block / 8),
                                 block / 8, words, into, nf4_levels()))
      return error;
    return launch(by_values<T>, blocks_for(rest, kThreads), kThreads, stream, bytes, scales, block, first + words * 8,
                  rest, into + words * 8, nf4_levels());
  });
}

}  // namespace pst::cuda
