// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>

#include "core/exec.hpp"
#include "core/view.hpp"

namespace pst::kernels {

/// 128 bits that tell arrays apart where they lie, the same on every device and for every number of threads: replicas
/// are compared with it without leaving the GPU. It protects against accidents, not against an adversary, and is not
/// core's digest().
///
/// The bytes are words w_0 .. w_(n-1) of 8 bytes, little-endian, the last one filled up with zeros. With mix() the
/// finaliser of splitmix64:
///   result[j] = mix(bytes + j + sum_i mix(w_i xor mix(2 i + j + 1)) mod 2^64)
/// A sum has no order, so any thread may add any part of it.
std::array<std::uint64_t, 2> fingerprint(const Exec& on, ConstView values);

namespace detail {

/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", with Stafford's 13th constants.
constexpr std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace detail
}  // namespace pst::kernels
