// SPDX-License-Identifier: Apache-2.0
#include "core/keyed_hash.hpp"

#include <bit>
#include <cstring>
#include <random>

namespace pst {
namespace {

struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
    c += d, d = std::rotl(d, 16) ^ c;
    a += d, d = std::rotl(d, 21) ^ a;
    c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
  }
};

/// The first `count` bytes, at most 8, as a little-endian number.
std::uint64_t word_at(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  if (count > 0) std::memcpy(&word, bytes, count);
  return std::endian::native == std::endian::big ? __builtin_bswap64(word) : word;
}

}  // namespace

const std::array<std::uint64_t, 2>& process_secret() {
  static const auto secret = [] {
    std::random_device random;
    std::array<std::uint64_t, 2> words{};
    for (auto& word : words) word = std::uint64_t{random()} << 32 | random();
    return words;
  }();
  return secret;
}

std::uint64_t siphash13(const std::array<std::uint64_t, 2>& key, std::string_view text) {
  State state{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
              key[1] ^ 0x7465646279746573};
  std::size_t at = 0;
  const auto take = [&](std::uint64_t word) {
    state.d ^= word;
    state.round();
    state.a ^= word;
  };
  for (; at + 8 <= text.size(); at += 8) take(word_at(text.data() + at, 8));
  take(word_at(text.data() + at, text.size() - at) | std::uint64_t{text.size()} << 56);
  state.c ^= 0xff;
  for (int i = 0; i < 3; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace pst
