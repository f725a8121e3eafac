// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "kernels/cuda/device.cuh"
#include "kernels/nf4/nf4.hpp"

namespace pst::cuda {

/// The levels as a kernel's argument.
struct Nf4Levels {
  float at[16];
};
inline Nf4Levels nf4_levels() {
  Nf4Levels levels = {};
  for (std::size_t c = 0; c < 16; ++c) levels.at[c] = kernels::kNf4Levels[c];
  return levels;
}

/// Puts them into shared memory, where the 16 lie in 16 banks: any mixture of codes is looked up without conflict.
__device__ inline void share_levels(const Nf4Levels& levels, float* shared) {
  if (threadIdx.x < 16) shared[threadIdx.x] = levels.at[threadIdx.x];
  __syncthreads();
}

/// Code v of the eight in a word of four bytes: the even index of a pair is in the high nibble.
__device__ inline unsigned nf4_code(std::uint32_t word, int v) {
  return word >> (v / 2 * 8 + (v % 2 == 0 ? 4 : 0)) & 15u;
}

}  // namespace pst::cuda
