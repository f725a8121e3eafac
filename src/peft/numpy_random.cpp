// SPDX-License-Identifier: Apache-2.0
#include "peft/numpy_random.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <numeric>

namespace pst::peft {
namespace {

constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();

/// numpy's SeedSequence of one number: four words of 64 bits.
std::array<std::uint64_t, 4> seed_words(std::uint64_t seed) {
  constexpr std::uint32_t kInitA = 0x43b0d7e5, kMultA = 0x931e8875, kInitB = 0x8b51f9dd, kMultB = 0x58f38ded,
                          kMixLeft = 0xca01f9dd, kMixRight = 0x4973f715;
  const auto scramble = [](std::uint32_t value, std::uint32_t& constant, std::uint32_t factor) {
    value ^= constant;
    constant *= factor;
    value *= constant;
    return value ^ (value >> 16);
  };
  std::array<std::uint32_t, 4> pool = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), 0, 0};
  std::uint32_t constant = kInitA;
  for (std::uint32_t& word : pool) word = scramble(word, constant, kMultA);
  for (std::size_t from = 0; from < 4; ++from)
    for (std::size_t to = 0; to < 4; ++to) {
      if (from == to) continue;
      const std::uint32_t mixed = kMixLeft * pool[to] - kMixRight * scramble(pool[from], constant, kMultA);
      pool[to] = mixed ^ (mixed >> 16);
    }
  std::array<std::uint64_t, 4> words{};
  constant = kInitB;
  for (std::size_t i = 0; i < 8; ++i)
    words[i / 2] |= std::uint64_t{scramble(pool[i % 4], constant, kMultB)} << (32 * (i % 2));
  return words;
}

}  // namespace

NumpyRandom::NumpyRandom(std::uint64_t seed) {
  const auto words = seed_words(seed);
  const auto joined = [&](std::size_t i) { return (Word128{words[i]} << 64) | words[i + 1]; };
  increment_ = (joined(2) << 1) | 1;
  word64();
  state_ += joined(0);
  word64();
}

std::uint64_t NumpyRandom::word64() {
  constexpr Word128 kFactor = (Word128{2549297995355413924U} << 64) | 4865540595714422341U;
  state_ = state_ * kFactor + increment_;
  return std::rotr(static_cast<std::uint64_t>(state_ >> 64) ^ static_cast<std::uint64_t>(state_),
                   static_cast<int>(state_ >> 122));
}

std::uint32_t NumpyRandom::word32() {
  if (has_half_) {
    has_half_ = false;
    return half_;
  }
  const std::uint64_t word = word64();
  has_half_ = true;
  half_ = static_cast<std::uint32_t>(word >> 32);
  return static_cast<std::uint32_t>(word);
}

/// Multiply and shift, without bias. @see Lemire 2019, "Fast Random Integer Generation in an Interval"
std::uint64_t NumpyRandom::up_to(std::uint64_t most) {
  if (most == 0) return 0;
  if (most == kMost32) return word32();
  if (most == std::numeric_limits<std::uint64_t>::max()) return word64();
  const std::uint64_t count = most + 1;
  if (most < kMost32) {
    std::uint64_t product = word32() * count;
    if (const auto threshold = static_cast<std::uint32_t>((kMost32 - most) % count);
        static_cast<std::uint32_t>(product) < count)
      while (static_cast<std::uint32_t>(product) < threshold) product = word32() * count;
    return product >> 32;
  }
  Word128 product = Word128{word64()} * count;
  if (const std::uint64_t threshold = (std::numeric_limits<std::uint64_t>::max() - most) % count;
      static_cast<std::uint64_t>(product) < count)
    while (static_cast<std::uint64_t>(product) < threshold) product = Word128{word64()} * count;
  return static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t NumpyRandom::masked_up_to(std::uint64_t most) {
  if (most == 0) return 0;
  const std::uint64_t mask = std::numeric_limits<std::uint64_t>::max() >> std::countl_zero(most);
  for (;;)
    if (const std::uint64_t value = (most <= kMost32 ? word32() : word64()) & mask; value <= most) return value;
}

void NumpyRandom::shuffle_from(std::vector<std::int64_t>& values, std::size_t first) {
  for (std::size_t i = values.size(); i-- > first;) std::swap(values[up_to(i)], values[i]);
}

std::vector<std::int64_t> NumpyRandom::choose(std::int64_t population, std::int64_t count) {
  constexpr std::int64_t kLarge = 10000, kShare = 50;  // numpy's
  if (population > kLarge && count > population / kShare) {
    std::vector<std::int64_t> all(static_cast<std::size_t>(population));
    std::iota(all.begin(), all.end(), 0);
    shuffle_from(all, static_cast<std::size_t>(std::max<std::int64_t>(population - count, 1)));
    return {all.end() - count, all.end()};
  }
  // Floyd's way.
  std::vector<bool> taken(static_cast<std::size_t>(population));
  std::vector<std::int64_t> chosen;
  for (std::int64_t last = population - count; last < population; ++last) {
    const auto drawn = static_cast<std::int64_t>(up_to(static_cast<std::uint64_t>(last)));
    chosen.push_back(taken[static_cast<std::size_t>(drawn)] ? last : drawn);
    taken[static_cast<std::size_t>(chosen.back())] = true;
  }
  shuffle_from(chosen, 1);
  return chosen;
}

void NumpyRandom::shuffle(std::vector<std::int64_t>& values) {
  for (std::size_t i = values.size(); i-- > 1;) std::swap(values[masked_up_to(i)], values[i]);
}

}  // namespace pst::peft
