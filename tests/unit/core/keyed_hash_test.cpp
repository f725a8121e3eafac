// SPDX-License-Identifier: Apache-2.0
#include "core/keyed_hash.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>

using namespace pst;

namespace {

/// What CPython's hash() of bytes is with PYTHONHASHSEED=0: the same function under a key of zeros.
TEST(KeyedHash, IsSipHash13) {
  const std::array<std::uint64_t, 2> zeros{};
  EXPECT_EQ(siphash13(zeros, "a"), 0x407448d2b89b1813);
  EXPECT_EQ(siphash13(zeros, "abc"), 0xc03bc3a0042630f2);
  EXPECT_EQ(siphash13(zeros, "12345678"), 0x3489982430560a87);
  EXPECT_EQ(siphash13(zeros, "The quick brown fox jumps over the lazy dog"), 0x8df676d3d00c451e);
}

TEST(KeyedHash, DependsOnEveryByteAndOnTheKey) {
  const std::array<std::uint64_t, 2> key{0x0706050403020100, 0x0f0e0d0c0b0a0908}, other{1, 2};
  std::set<std::uint64_t> seen;
  std::string text;
  for (int i = 0; i < 64; ++i) {
    EXPECT_TRUE(seen.insert(siphash13(key, text)).second) << i;
    EXPECT_TRUE(seen.insert(siphash13(other, text)).second) << i;
    text += static_cast<char>(i);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    EXPECT_TRUE(seen.insert(siphash13(key, changed)).second) << i;
  }
}

TEST(KeyedHash, TellsShortTextsApart) {
  std::set<std::size_t> seen;
  for (std::size_t size = 0; size <= 40; ++size) {
    EXPECT_TRUE(seen.insert(KeyedHash{}(std::string(size, '\0'))).second) << size;
    EXPECT_TRUE(seen.insert(KeyedHash{}(std::string(size, 'a') + "b")).second) << size;
  }
}

TEST(KeyedHash, IsOneFunctionInAProcess) {
  EXPECT_EQ(KeyedHash{}("a word"), KeyedHash{}(std::string("a word")));
  EXPECT_EQ(process_secret(), process_secret());
  EXPECT_NE(process_secret()[0], process_secret()[1]);
}

}  // namespace
