// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace pst {

/// Philox4x32-10: a block of four random words is a pure function of (key, counter), so any process can produce any
/// part of a stream, in any order. @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A stream of random numbers, named by a seed and a path of integers (step, micro batch, layer ...). Cheap to copy.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)} {}

  /// A stream that is independent of this one and of every other path.
  Rng child(std::uint64_t index) const;
  Rng child(std::string_view name) const;

  /// Word `index` of the stream: random access, no state.
  std::uint32_t word(std::uint64_t index) const;
  /// Uniform in [0, 1) with 24 bits.
  float uniform(std::uint64_t index) const { return static_cast<float>(word(index) >> 8) * 0x1p-24f; }
  /// Uniform in [0, bound), without bias that matters below 2^32 (multiply-shift on 64 bits of the stream).
  std::uint64_t below(std::uint64_t bound, std::uint64_t index) const;

  std::array<std::uint32_t, 2> key() const { return key_; }

 private:
  std::array<std::uint32_t, 2> key_;
};

/// Fills `order` with a random permutation of 0 .. size-1 (Fisher-Yates).
void shuffle(std::span<std::uint32_t> order, const Rng& rng);

}  // namespace pst
