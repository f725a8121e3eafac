// SPDX-License-Identifier: Apache-2.0
#include "gguf/blocks.hpp"

#include <gmock/gmock.h>

#include <array>
#include <cmath>

#include "core/error.hpp"

namespace pst::gguf {
namespace {

/// Pseudo-random blocks with finite scales; tools/parity/gguf_check.py makes the same.
std::vector<std::byte> test_blocks(BlockType type, std::size_t blocks) {
  const auto size = static_cast<std::size_t>(shape_of(type).bytes);
  std::uint32_t state = 12345 + static_cast<std::uint32_t>(type);
  std::vector<std::uint8_t> data;
  for (std::size_t i = 0; i < size * blocks; ++i) {
    state = state * 1103515245u + 12345u;
    data.push_back(static_cast<std::uint8_t>(state >> 16));
  }
  const auto tame = [&](std::size_t at, unsigned keep, unsigned set) {
    for (std::size_t block = 0; block < blocks; ++block)
      data.at(block * size + at) = static_cast<std::uint8_t>((data.at(block * size + at) & keep) | set);
  };
  switch (type) {
    case BlockType::f32: tame(3, 0x80, 0x3e); break;
    case BlockType::bf16: tame(1, 0x80, 0x3e); break;
    case BlockType::q6_k: tame(209, 0x83, 0x30); break;
    case BlockType::f16:
    case BlockType::q8_0:
    case BlockType::q4_0:
    case BlockType::q5_0: tame(1, 0x83, 0x30); break;
    case BlockType::q4_1:
    case BlockType::q5_1:
    case BlockType::q4_k:
    case BlockType::q5_k:
      tame(1, 0x83, 0x30);
      tame(3, 0x83, 0x30);
      break;
    case BlockType::mxfp4: break;  // every byte is a power of two
  }
  const auto bytes = std::as_bytes(std::span<const std::uint8_t>(data));
  return {bytes.begin(), bytes.end()};
}

std::uint64_t fnv1a(const std::vector<float>& values) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const float value : values) hash = (hash ^ __builtin_bit_cast(std::uint32_t, value)) * 1099511628211ull;
  return hash;
}

/// Bits of the values that gguf-py 's dequantize gives for four test blocks: hash of all, and the first, middle and
/// last. Recorded by `tools/parity/gguf_check.py known-answers`.
struct Known {
  BlockType type;
  std::uint64_t hash;
  std::array<std::uint32_t, 3> samples;
};
constexpr std::array<Known, 12> kKnown = {{
    {BlockType::f32, 0x6afc9424c4fb24b4ull, {0xbe6504dcu, 0x3eace5dau, 0x3e135f1eu}},
    {BlockType::f16, 0x502602188baff3f5ull, {0xbe544000u, 0xbe380000u, 0x3e0a6000u}},
    {BlockType::bf16, 0xbd6ad750393413f5ull, {0x3e190000u, 0x3e050000u, 0x3e5d0000u}},
    {BlockType::q8_0, 0x3d6eac11b88cc9a5ull, {0x41284500u, 0x419a8b40u, 0xc11ab000u}},
    {BlockType::q4_0, 0x86b0f62f9335ad25ull, {0xbfad0000u, 0x3fd56400u, 0x3e622000u}},
    {BlockType::q4_1, 0x309ff9c9d39c1b25ull, {0xbf29e000u, 0x3f807400u, 0xbf5bf800u}},
    {BlockType::q5_0, 0x2791829852eb6b25ull, {0xc0431a00u, 0x3fed0000u, 0x3f300000u}},
    {BlockType::q5_1, 0xc757540891319d25ull, {0xbe1aa000u, 0xc0411000u, 0xc09ba500u}},
    {BlockType::q4_k, 0x57025fdfd67cd535ull, {0xc29f6a50u, 0x42208a60u, 0x41092a80u}},
    {BlockType::q5_k, 0x01ef8e6dd3058541ull, {0x42862d90u, 0x41077f80u, 0xc1b49200u}},
    {BlockType::q6_k, 0xa59b5b6e1f1f96b3ull, {0xc3344e00u, 0x427c7c80u, 0x4251da80u}},
    {BlockType::mxfp4, 0xce7e75ee757ced25ull, {0x88800000u, 0x52c00000u, 0x4cc00000u}},
}};

TEST(Blocks, EveryTypeGivesTheBitsOfTheReference) {
  for (const auto& known : kKnown) {
    SCOPED_TRACE(name_of(known.type));
    std::vector<float> values(static_cast<std::size_t>(4 * shape_of(known.type).values));

    dequantize(known.type, test_blocks(known.type, 4), values);

    const auto bits = [&](std::size_t i) { return __builtin_bit_cast(std::uint32_t, values[i]); };
    EXPECT_EQ(bits(0), known.samples[0]);
    EXPECT_EQ(bits(values.size() / 2), known.samples[1]);
    EXPECT_EQ(bits(values.size() - 1), known.samples[2]);
    EXPECT_EQ(fnv1a(values), known.hash);
  }
}

TEST(Blocks, Q8ByHand) {
  std::vector<std::uint8_t> block(34, 0);
  block[1] = 0x38;  // 0x3800 is one half
  block[2] = 3;
  block[33] = 0x80;  // -128
  std::vector<float> values(32);

  dequantize(BlockType::q8_0, std::as_bytes(std::span<const std::uint8_t>(block)), values);

  EXPECT_EQ(values[0], 1.5f);
  EXPECT_EQ(values[1], 0.0f);
  EXPECT_EQ(values[31], -64.0f);
}

TEST(Blocks, InputMayLieAnywhereInMemory) {
  const auto aligned = test_blocks(BlockType::q4_k, 1);
  std::vector<std::byte> shifted(1);
  shifted.insert(shifted.end(), aligned.begin(), aligned.end());
  std::vector<float> a(256), b(256);

  dequantize(BlockType::q4_k, aligned, a);
  dequantize(BlockType::q4_k, std::span<const std::byte>(shifted).subspan(1), b);

  EXPECT_EQ(a, b);
}

TEST(Blocks, LengthsThatDoNotFitAreABug) {
  std::vector<float> values(64);
  EXPECT_THROW(dequantize(BlockType::q4_0, test_blocks(BlockType::q4_0, 1), values), Error);
  values.resize(33);
  EXPECT_THROW(dequantize(BlockType::q4_0, test_blocks(BlockType::q4_0, 1), values), Error);
}

TEST(Blocks, TypesAreNamed) {
  EXPECT_EQ(block_type(12), BlockType::q4_k);
  EXPECT_FALSE(block_type(10));
  EXPECT_EQ(name_of_ggml_type(10), "Q2_K");
  EXPECT_EQ(name_of_ggml_type(14), "Q6_K");
  EXPECT_EQ(name_of_ggml_type(4711), "number 4711");
}

}  // namespace
}  // namespace pst::gguf
