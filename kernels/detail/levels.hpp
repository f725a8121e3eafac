// SPDX-License-Identifier: Apache-2.0
#pragma once
// One body, compiled for several instruction sets by hand: where registers of a width of their own are held, which
// PST_CLONES (simd.hpp) cannot say. A source has run_v4, run_v3 and run_plain, and asks cpu_level() which one to take.
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/detail/simd.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define PST_HAS_LEVELS 1
#define PST_LEVEL(level) __attribute__((target("arch=x86-64-" #level)))
#else
#define PST_HAS_LEVELS 0
#endif

namespace pst::kernels::detail {

/// 4: AVX-512, 3: AVX2, 1: neither.
inline int cpu_level() {
#if PST_HAS_LEVELS
  static const int level = __builtin_cpu_supports("x86-64-v4") ? 4 : __builtin_cpu_supports("x86-64-v3") ? 3 : 1;
  return level;
#else
  return 1;
#endif
}

/// W floats, as many as a register holds: g++ 12 keeps a wider vector in memory, and is eight times slower. Beside it
/// as many halves of them, and their bits.
template <int W>
struct VectorOf;
template <>
struct VectorOf<4> {
  using Type = float __attribute__((vector_size(16)));
  using Halves = std::uint16_t __attribute__((vector_size(8)));
  using Bits = std::uint32_t __attribute__((vector_size(16)));
};
template <>
struct VectorOf<8> {
  using Type = float __attribute__((vector_size(32)));
  using Halves = std::uint16_t __attribute__((vector_size(16)));
  using Bits = std::uint32_t __attribute__((vector_size(32)));
};
template <>
struct VectorOf<16> {
  using Type = float __attribute__((vector_size(64)));
  using Halves = std::uint16_t __attribute__((vector_size(32)));
  using Bits = std::uint32_t __attribute__((vector_size(64)));
};

/// W floats, or the floats whose upper halves these are, into `vector`: such a type is not to be returned, since how
/// that is done depends on the instruction set.
template <int W, class T>
PST_INLINE void load_vector(const T* from, typename VectorOf<W>::Type& vector) {
  if constexpr (std::is_same_v<T, float>) {
    std::memcpy(&vector, from, sizeof(vector));
  } else {
    typename VectorOf<W>::Halves halves;
    std::memcpy(&halves, from, sizeof(halves));
    const auto wide = __builtin_convertvector(halves, typename VectorOf<W>::Bits) << 16;
    std::memcpy(&vector, &wide, sizeof(vector));
  }
}

}  // namespace pst::kernels::detail
