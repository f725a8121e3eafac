// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "checkpoint/store.hpp"

namespace pst::checkpoint {

/// Writes the adapter of a checkpoint as a PEFT folder: adapter_model.safetensors, then adapter_config.json.
/// @param metadata  of the file of tensors
/// @param folder made; must not have an adapter yet. @throws Error(usage), Error(data), Error(io)
void export_adapter(const Found& checkpoint, const std::filesystem::path& folder,
                    const std::map<std::string, std::string>& metadata = {});

}  // namespace pst::checkpoint
