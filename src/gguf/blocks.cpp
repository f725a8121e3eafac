// SPDX-License-Identifier: Apache-2.0
#include "gguf/blocks.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "core/view.hpp"

namespace pst::gguf {
namespace {

using Bytes = const std::uint8_t*;

std::uint32_t u16_at(Bytes p) { return p[0] | std::uint32_t{p[1]} << 8; }
std::uint32_t u32_at(Bytes p) { return u16_at(p) | u16_at(p + 2) << 16; }
float half_at(Bytes p) { return half_to_float(static_cast<std::uint16_t>(u16_at(p))); }

void f32(Bytes in, float* out) { *out = __builtin_bit_cast(float, u32_at(in)); }
void f16(Bytes in, float* out) { *out = half_at(in); }
void bf16_value(Bytes in, float* out) { *out = to_float(bf16{static_cast<std::uint16_t>(u16_at(in))}); }

/// d f16, 32 i8: w = d q
void q8_0(Bytes in, float* out) {
  const float d = half_at(in);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(in[2 + i]));
}

/// d f16, 16 bytes; the low nibbles are weights 0..15, the high ones 16..31: w = d (q - 8)
void q4_0(Bytes in, float* out) {
  const float d = half_at(in);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((in[2 + i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((in[2 + i] >> 4) - 8);
  }
}

/// d f16, m f16, 16 bytes as in q4_0: w = d q + m
void q4_1(Bytes in, float* out) {
  const float d = half_at(in), m = half_at(in + 2);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(in[4 + i] & 15) + m;
    out[i + 16] = d * static_cast<float>(in[4 + i] >> 4) + m;
  }
}

/// The fifth bit of weight i is bit i of `high`.
int five_bits(Bytes low, std::uint32_t high, int i) {
  const int nibble = i < 16 ? low[i] & 15 : low[i - 16] >> 4;
  return nibble | static_cast<int>(high >> i & 1) << 4;
}

/// d f16, high bits u32, 16 bytes: w = d (q - 16)
void q5_0(Bytes in, float* out) {
  const float d = half_at(in);
  const std::uint32_t high = u32_at(in + 2);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(five_bits(in + 6, high, i) - 16);
}

/// d f16, m f16, high bits u32, 16 bytes: w = d q + m
void q5_1(Bytes in, float* out) {
  const float d = half_at(in), m = half_at(in + 2);
  const std::uint32_t high = u32_at(in + 4);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(five_bits(in + 8, high, i)) + m;
}

/// Six-bit scale and minimum of sub-block j out of twelve bytes: the first four of each lie in the low six bits of
/// bytes 0-3 and 4-7; of the other four, bytes 8-11 hold the low four bits and the two top bits of bytes 0-7 the rest.
std::pair<int, int> scale_and_min(Bytes s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | (s[j - 4] >> 6) << 4, (s[j + 4] >> 4) | (s[j] >> 6) << 4};
}

/// 256 weights in 8 sub-blocks. d f16, dmin f16, 12 bytes of scales, 128 bytes of nibbles: w = (d scale) q - (dmin
/// min). 32 bytes serve two sub-blocks: low nibbles the even one, high nibbles the odd one.
void q4_k(Bytes in, float* out) {
  const float d = half_at(in), dmin = half_at(in + 2);
  for (int j = 0; j < 8; ++j) {
    const auto [scale, min] = scale_and_min(in + 4, j);
    const float step = d * static_cast<float>(scale), offset = dmin * static_cast<float>(min);
    const Bytes q = in + 16 + 32 * (j / 2);
    for (int i = 0; i < 32; ++i) {
      const int value = j % 2 == 0 ? q[i] & 15 : q[i] >> 4;
      out[32 * j + i] = step * static_cast<float>(value) - offset;
    }
  }
}

/// As q4_k with 32 bytes of fifth bits before the nibbles: bit j of byte i belongs to weight i of sub-block j.
void q5_k(Bytes in, float* out) {
  const float d = half_at(in), dmin = half_at(in + 2);
  const Bytes high = in + 16;
  for (int j = 0; j < 8; ++j) {
    const auto [scale, min] = scale_and_min(in + 4, j);
    const float step = d * static_cast<float>(scale), offset = dmin * static_cast<float>(min);
    const Bytes q = in + 48 + 32 * (j / 2);
    for (int i = 0; i < 32; ++i) {
      const int nibble = j % 2 == 0 ? q[i] & 15 : q[i] >> 4;
      const int value = nibble | (high[i] >> j & 1) << 4;
      out[32 * j + i] = step * static_cast<float>(value) - offset;
    }
  }
}

/// 256 weights in 16 sub-blocks. 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 scales i8, d f16:
/// w = (d scale) (q - 32). Each half of 128 weights has 64 bytes of nibbles and 32 bytes of pairs of its own.
void q6_k(Bytes in, float* out) {
  const float d = half_at(in + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128, row = i % 128 / 32, column = i % 32;  // four rows of 32 weights in a half
    const int low = in[64 * half + 32 * (row % 2) + column] >> (row < 2 ? 0 : 4) & 15;
    const int high = in[128 + 32 * half + column] >> (2 * row) & 3;
    const auto scale = static_cast<std::int8_t>(in[192 + i / 16]);
    out[i] = d * static_cast<float>(scale) * static_cast<float>((low | high << 4) - 32);
  }
}

/// Exponent u8, 16 bytes; the low nibbles are weights 0..15, the high ones 16..31. ggml keeps twice the codes' values,
/// and halves the power of two. @see OCP Microscaling Formats 1.0, section 5.3.3
void mxfp4(Bytes in, float* out) {
  constexpr std::array<float, 16> kTwice = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  const auto value = [&](int code) { return std::ldexp(kTwice[static_cast<std::size_t>(code)], in[0] - 128); };
  for (int i = 0; i < 16; ++i) {
    out[i] = value(in[1 + i] & 15);
    out[i + 16] = value(in[1 + i] >> 4);
  }
}

struct Kind {
  BlockType type;
  const char* name;
  BlockShape shape;
  void (*unpack)(Bytes in, float* out);
};

constexpr std::array<Kind, 12> kKinds = {{{BlockType::f32, "F32", {1, 4}, f32},
                                          {BlockType::f16, "F16", {1, 2}, f16},
                                          {BlockType::bf16, "BF16", {1, 2}, bf16_value},
                                          {BlockType::q8_0, "Q8_0", {32, 34}, q8_0},
                                          {BlockType::q4_0, "Q4_0", {32, 18}, q4_0},
                                          {BlockType::q4_1, "Q4_1", {32, 20}, q4_1},
                                          {BlockType::q5_0, "Q5_0", {32, 22}, q5_0},
                                          {BlockType::q5_1, "Q5_1", {32, 24}, q5_1},
                                          {BlockType::q4_k, "Q4_K", {256, 144}, q4_k},
                                          {BlockType::q5_k, "Q5_K", {256, 176}, q5_k},
                                          {BlockType::q6_k, "Q6_K", {256, 210}, q6_k},
                                          {BlockType::mxfp4, "MXFP4", {32, 17}, mxfp4}}};

const Kind& kind_of(BlockType type) {
  for (const auto& kind : kKinds)
    if (kind.type == type) return kind;
  throw Error(Fault::bug, "a BlockType has no row in the table");
}

/// Types that ggml has and we do not read, so that a message can name them.
constexpr std::array<std::pair<std::uint32_t, const char*>, 23> kOtherTypes = {
    {{9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},     {15, "Q8_K"},     {16, "IQ2_XXS"}, {17, "IQ2_XS"},
     {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"},   {21, "IQ3_S"},    {22, "IQ2_S"},   {23, "IQ4_XS"},
     {24, "I8"},      {25, "I16"},   {26, "I32"},      {27, "I64"},      {28, "F64"},     {29, "IQ1_M"},
     {34, "TQ1_0"},   {35, "TQ2_0"}, {31, "Q4_0_4_4"}, {32, "Q4_0_4_8"}, {33, "Q4_0_8_8"}}};

}  // namespace

std::optional<BlockType> block_type(std::uint32_t ggml_type) {
  for (const auto& kind : kKinds)
    if (static_cast<std::uint32_t>(kind.type) == ggml_type) return kind.type;
  return std::nullopt;
}

std::string name_of_ggml_type(std::uint32_t ggml_type) {
  if (const auto type = block_type(ggml_type)) return name_of(*type);
  for (const auto& [number, name] : kOtherTypes)
    if (number == ggml_type) return name;
  return cat("number ", ggml_type);
}

BlockShape shape_of(BlockType type) { return kind_of(type).shape; }
const char* name_of(BlockType type) { return kind_of(type).name; }

std::string readable_types() {
  std::vector<std::string> names;
  for (const auto& kind : kKinds) names.emplace_back(kind.name);
  return join(names, ", ");
}

void dequantize(BlockType type, std::span<const std::byte> in, std::span<float> out) {
  const Kind& kind = kind_of(type);
  const auto values = static_cast<std::size_t>(kind.shape.values), bytes = static_cast<std::size_t>(kind.shape.bytes);
  const std::size_t blocks = out.size() / values;
  PST_ASSERT(out.size() % values == 0 && in.size() == blocks * bytes, "whole blocks are unpacked into as many values");
  const auto* const from = reinterpret_cast<const std::uint8_t*>(in.data());
  for (std::size_t i = 0; i < blocks; ++i) kind.unpack(from + i * bytes, out.data() + i * values);
}

}  // namespace pst::gguf
