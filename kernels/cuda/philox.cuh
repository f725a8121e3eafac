// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "kernels/cuda/device.cuh"

namespace pst::cuda {

/// The words of one block of a stream, as core/rng.hpp has them.
__device__ inline void philox(std::uint64_t block, std::uint32_t key0, std::uint32_t key1, std::uint32_t (&c)[4]) {
  c[0] = static_cast<std::uint32_t>(block);
  c[1] = static_cast<std::uint32_t>(block >> 32);
  c[2] = 0;
  c[3] = 0;
#pragma unroll
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * c[0], b = std::uint64_t{0xCD9E8D57u} * c[2];
    const std::uint32_t n0 = static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ key0,
                        n2 = static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ key1;
    c[1] = static_cast<std::uint32_t>(b);
    c[3] = static_cast<std::uint32_t>(a);
    c[0] = n0;
    c[2] = n2;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}

}  // namespace pst::cuda
