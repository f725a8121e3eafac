// SPDX-License-Identifier: Apache-2.0
#include "core/rng.hpp"

#include <numeric>
#include <utility>

namespace pst {

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

namespace {
std::array<std::uint32_t, 4> counter_of(std::uint64_t low, std::uint64_t high) {
  return {static_cast<std::uint32_t>(low), static_cast<std::uint32_t>(low >> 32), static_cast<std::uint32_t>(high),
          static_cast<std::uint32_t>(high >> 32)};
}
constexpr std::uint64_t kChildDomain = 0x6368696c64ull;  // "child": keeps derivation apart from the words of the stream
}  // namespace

Rng Rng::child(std::uint64_t index) const {
  const auto block = philox4x32(counter_of(index, kChildDomain), key_);
  return Rng(std::uint64_t{block[0]} | std::uint64_t{block[1]} << 32);
}

Rng Rng::child(std::string_view name) const {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return child(hash);
}

std::uint32_t Rng::word(std::uint64_t index) const { return philox4x32(counter_of(index / 4, 0), key_)[index % 4]; }

std::uint64_t Rng::below(std::uint64_t bound, std::uint64_t index) const {
  const std::uint64_t bits = std::uint64_t{word(2 * index)} | std::uint64_t{word(2 * index + 1)} << 32;
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{bits} * bound) >> 64);
}

void shuffle(std::span<std::uint32_t> order, const Rng& rng) {
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i, i)]);
}

}  // namespace pst
