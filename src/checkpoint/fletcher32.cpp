// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/fletcher32.hpp"

#include <algorithm>

namespace pst::checkpoint {
namespace {

std::uint32_t fold(std::uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint32_t>(sum);
}

}  // namespace

void Fletcher32::add(std::span<const std::byte> bytes) {
  // Word by word it would be s1 += w; s2 += s1. Over a block of n words that is s2 += n s1 + sum (n - i) w[i], and the
  // last sum has no dependency from word to word, so the compiler makes vector code of it. With blocks of 256 words of
  // 16 bits both sums stay below 2^32.
  constexpr std::size_t kWords = 256;
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t words = bytes.size() / 2;
  std::uint64_t sum1 = sum1_, sum2 = sum2_;
  while (words > 0) {
    const std::size_t n = std::min(words, kWords);
    std::uint32_t plain = 0, weighted = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t word = std::uint32_t{at[2 * i]} << 8 | at[2 * i + 1];
      plain += word;
      weighted += static_cast<std::uint32_t>(n - i) * word;
    }
    sum2 = fold(sum2 + n * sum1 + weighted);
    sum1 = fold(sum1 + plain);
    at += 2 * n;
    words -= n;
  }
  if (bytes.size() % 2 == 1) {  // an odd last byte is the high half of a word
    sum1 += std::uint32_t{*at} << 8;
    sum2 += sum1;
  }
  sum1_ = fold(sum1);
  sum2_ = fold(sum2);
}

}  // namespace pst::checkpoint
