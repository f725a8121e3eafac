// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace pst::gguf {

/// The tensor types that are read here; the values are ggml's. @see ggml.h, enum ggml_type
enum class BlockType : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  bf16 = 30,
  mxfp4 = 39
};

/// A quantised row is a sequence of blocks of `values` weights in `bytes` bytes.
struct BlockShape {
  std::int64_t values = 1, bytes = 4;
};

std::optional<BlockType> block_type(std::uint32_t ggml_type);  ///< nothing for a type that is not read here
std::string name_of_ggml_type(std::uint32_t ggml_type);        ///< "Q2_K", or "number 77" for one we never heard of
BlockShape shape_of(BlockType type);
const char* name_of(BlockType type);
std::string readable_types();  ///< "F32, F16, ...", for messages

/// Unpacks whole blocks, bit for bit as the reference does (little-endian input, float32 arithmetic).
/// @param in   n / shape.values * shape.bytes bytes, any alignment
/// @param out  n values, n a multiple of shape.values
/// @throws Error(bug) when the two lengths do not fit each other
/// @see ggml-quants.c, dequantize_row_*; gguf-py quants.py
void dequantize(BlockType type, std::span<const std::byte> in, std::span<float> out);

}  // namespace pst::gguf
