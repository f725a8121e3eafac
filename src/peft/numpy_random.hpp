// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

namespace pst::peft {

/// numpy.random.default_rng(seed), as far as PEFT draws from it.
/// @see O'Neill 2014, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms", the variant
/// XSL-RR 128/64; numpy, SeedSequence
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint64_t seed);

  /// choice(population, size=count, replace=False)
  std::vector<std::int64_t> choose(std::int64_t population, std::int64_t count);
  void shuffle(std::vector<std::int64_t>& values);

 private:
  __extension__ using Word128 = unsigned __int128;

  std::uint64_t word64();
  std::uint32_t word32();                          ///< halves of words of 64 bits, the lower one first
  std::uint64_t up_to(std::uint64_t most);         ///< numpy's random_bounded_uint64
  std::uint64_t masked_up_to(std::uint64_t most);  ///< numpy's random_interval
  void shuffle_from(std::vector<std::int64_t>& values, std::size_t first);

  Word128 state_ = 0, increment_ = 0;
  bool has_half_ = false;
  std::uint32_t half_ = 0;
};

}  // namespace pst::peft
