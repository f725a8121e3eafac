// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "adapters/adapter_folder.hpp"
#include "adapters/low_rank.hpp"

namespace pst::adapters {

/// A layer's update B A of scale 1.
struct NewLayer {
  std::string module;
  bool is_embedding = false;
  Columns a_ir, b_or;  ///< [in, r] and [out, r]
  std::int64_t rank() const { return static_cast<std::int64_t>(b_or.count()); }
};

/// Writes layers as a PEFT folder of plain LoRA: f32, the keys of `like` that say nothing about ranks and scales.
/// @throws Error(usage) when `to` is in use; Error(io)
void write_lora(const AdapterFolder& like, const std::vector<NewLayer>& layers, const std::filesystem::path& to);

}  // namespace pst::adapters
