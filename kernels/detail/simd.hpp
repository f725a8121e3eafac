// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the CPU kernels share: one plain loop, compiled for several instruction sets and chosen when the program starts.
// Loops over kLanes partial results keep the order of additions fixed whatever the vector width.
#include <cstdint>

#include "core/error.hpp"
#include "core/exec.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define PST_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define PST_CLONES
#endif
#define PST_INLINE inline __attribute__((always_inline))  // so that a body takes the instruction set of its clone

namespace pst::kernels::detail {

inline constexpr std::int64_t kLanes = 16;

PST_INLINE float load(const float* p, std::int64_t i) { return p[i]; }
PST_INLINE float load(const bf16* p, std::int64_t i) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(p[i].bits) << 16);
}
PST_INLINE void store(float* p, std::int64_t i, float value) { p[i] = value; }
PST_INLINE void store(bf16* p, std::int64_t i, float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const std::uint32_t quiet = (bits >> 16) | 0x40u;
  p[i].bits = static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

/// e^x to 1.2e-7 relative over [-87, 88], clamped outside; branch-free, so it vectorises.
/// @see Cephes expf: range reduction by two-part ln 2, degree-6 polynomial
PST_INLINE float exp_approx(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  const float n = __builtin_floorf(x * 1.44269504088896341f + 0.5f);
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const auto exponent = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23;
  return p * __builtin_bit_cast(float, exponent);
}

/// To 2e-7 absolutely.
PST_INLINE float tanh_approx(float x) {
  const float e = exp_approx(-2.0f * (x < 0.0f ? -x : x));
  const float t = (1.0f - e) / (1.0f + e);
  return x < 0.0f ? -t : t;
}

PST_INLINE float sum_lanes(const float* lanes) {
  float sum[kLanes / 2];
  for (int i = 0; i < kLanes / 2; ++i) sum[i] = lanes[i] + lanes[i + kLanes / 2];
  for (int i = 0; i < 4; ++i) sum[i] += sum[i + 4];
  return (sum[0] + sum[2]) + (sum[1] + sum[3]);
}

inline void require_float(Dtype dtype, const char* operation) {
  if (dtype != Dtype::f32 && dtype != Dtype::bf16)
    throw Error(Fault::bug, cat(operation, " works on f32 and bf16, not on ", name_of(dtype)));
}

/// Calls body.template operator()<T>() with the C++ type of a floating dtype that require_float has let through.
template <class Body>
void with_float(Dtype dtype, Body&& body) {
  if (dtype == Dtype::f32)
    body(float{});
  else
    body(bf16{});
}

}  // namespace pst::kernels::detail
