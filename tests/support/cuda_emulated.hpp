// SPDX-License-Identifier: Apache-2.0
#pragma once
// The part of CUDA C++ that kernels/ uses, on a CPU: blocks run one after the other, each thread of a block is a fiber,
// and a barrier or a shuffle hands over to the next one. It shows what a kernel computes, and stops on a barrier that
// not all threads reach or a shuffle with a lane that has left. It shows nothing of races within a warp, of memory
// spaces, or of speed.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

namespace pst::emulated {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
};
inline Dim3 thread_index, block_index, block_size, grid_size;

/// Runs `body` as every thread of every block.
void run(std::int64_t blocks, int threads, const std::function<void()>& body);

void block_barrier();
/// Waits for all lanes of `mask`, in this thread's warp.
void warp_barrier(unsigned mask);
/// 16 bytes for each lane of the calling thread's warp.
unsigned char* warp_slot(unsigned lane);

template <class T>
T exchange(unsigned mask, T value, unsigned from) {
  static_assert(sizeof(T) <= 16);
  const unsigned lane = thread_index.x % 32;
  std::memcpy(warp_slot(lane), &value, sizeof value);
  warp_barrier(mask);
  T other;
  std::memcpy(&other, warp_slot(from % 32), sizeof other);
  warp_barrier(mask);
  return other;
}

}  // namespace pst::emulated

#define threadIdx ::pst::emulated::thread_index
#define blockIdx ::pst::emulated::block_index
#define blockDim ::pst::emulated::block_size
#define gridDim ::pst::emulated::grid_size

inline void __syncthreads() { pst::emulated::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { pst::emulated::warp_barrier(mask); }
template <class T>
T __shfl_sync(unsigned mask, T value, int from) {
  return pst::emulated::exchange(mask, value, static_cast<unsigned>(from));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int other) {
  return pst::emulated::exchange(mask, value, (threadIdx.x % 32) ^ static_cast<unsigned>(other));
}
inline unsigned __ballot_sync(unsigned mask, bool vote) {
  const unsigned char mine = vote ? 1 : 0;
  std::memcpy(pst::emulated::warp_slot(threadIdx.x % 32), &mine, 1);
  pst::emulated::warp_barrier(mask);
  unsigned all = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if ((mask >> lane & 1u) != 0) all |= static_cast<unsigned>(*pst::emulated::warp_slot(lane)) << lane;
  pst::emulated::warp_barrier(mask);
  return all;
}

// Compiled without fused multiply-add, so that these are what they are called.
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }
inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) {
  const unsigned long long before = *at;
  *at += value;
  return before;
}
