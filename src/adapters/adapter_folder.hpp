// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "json/object.hpp"
#include "methods/adapter.hpp"
#include "weights/safetensors.hpp"

namespace pst::adapters {

inline constexpr const char* kConfigFile = "adapter_config.json";
inline constexpr const char* kTensorsFile = "adapter_model.safetensors";

/// A PEFT adapter's folder, of any type: its config's JSON and its tensors, mapped and checked as a stranger's.
struct AdapterFolder {
  std::filesystem::path dir;
  std::string type;  ///< PEFT's peft_type: LORA
  std::unique_ptr<json::Document> config;
  weights::TensorStore tensors;
  std::optional<methods::Adapter> adapter;  ///< nothing where this program cannot compute with it,
  std::string unread;                       ///< for this reason

  /// @throws Error(data) naming file and place, for a file that is missing, torn or not what it has to be
  static AdapterFolder open(const std::filesystem::path& dir);
  /// The adapter as this program reads it. @throws Error(data) with the reason why it cannot
  const methods::Adapter& needed() const;
  /// The model that the config names, where it is a folder here.
  std::optional<std::filesystem::path> base_model() const;
};

}  // namespace pst::adapters
