// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pst::gguf {

/// A tensor of f32 values for write_gguf().
struct NewTensor {
  std::string name;
  std::vector<std::int64_t> shape;  ///< row-major, unlike the file's order
  std::vector<float> values;
};

/// Metadata: texts, u32 and f32.
using NewValue = std::variant<std::string, std::uint32_t, float>;

/// Writes a GGUF file of version 3, durably. Depends on the arguments only. @throws Error(io)
/// @see ggml/docs/gguf.md
void write_gguf(const std::filesystem::path& path, const std::vector<std::pair<std::string, NewValue>>& metadata,
                const std::vector<NewTensor>& tensors);

}  // namespace pst::gguf
