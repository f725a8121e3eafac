// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/device.cuh"

// Integers are added with atomics: their sum is the same in any order.
namespace pst::cuda {
namespace {

using Word = unsigned long long;

__device__ inline Word mix(Word z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

template <bool kAligned>
__global__ __launch_bounds__(kThreads) void add_words(const unsigned char* bytes, std::int64_t size, Word* sums) {
  Word sum0 = 0, sum1 = 0;
  const std::int64_t words = (size + 7) / 8;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < words;
       i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    Word word = 0;
    if (kAligned && i * 8 + 8 <= size) {
      word = *reinterpret_cast<const Word*>(bytes + i * 8);
    } else {
      for (int b = 0; b < 8 && i * 8 + b < size; ++b) word |= Word{bytes[i * 8 + b]} << (8 * b);
    }
    sum0 += mix(word ^ mix(2 * static_cast<Word>(i) + 1));
    sum1 += mix(word ^ mix(2 * static_cast<Word>(i) + 2));
  }
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    sum0 += __shfl_xor_sync(kWarp, sum0, step);
    sum1 += __shfl_xor_sync(kWarp, sum1, step);
  }
  if (threadIdx.x % 32 == 0) {
    atomicAdd(sums, sum0);
    atomicAdd(sums + 1, sum1);
  }
}

}  // namespace

int fingerprint(Stream stream, const void* data, std::int64_t bytes, std::uint64_t* sums) {
  const Scratch scratch(stream, 2 * sizeof(Word));
  if (scratch.error() != 0) return scratch.error();
  if (const int error = scratch.clear()) return error;
  const auto* const values = static_cast<const unsigned char*>(data);
  const auto kernel = reinterpret_cast<std::uintptr_t>(values) % 8 == 0 ? add_words<true> : add_words<false>;
  if (const int error = launch(kernel, blocks_for((bytes + 7) / 8, kThreads * 4), kThreads, stream, values, bytes,
                               scratch.as<Word>()))
    return error;
  return scratch.read(sums, 0, 2 * sizeof(Word));
}

}  // namespace pst::cuda
