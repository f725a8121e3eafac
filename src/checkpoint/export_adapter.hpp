// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>

#include "checkpoint/store.hpp"

namespace pst::checkpoint {

/// Writes the adapter of a checkpoint as a PEFT folder: adapter_model.safetensors, then adapter_config.json.
/// @param folder made; must not have an adapter yet. @throws Error(usage), Error(data), Error(io)
void export_adapter(const Found& checkpoint, const std::filesystem::path& folder);

}  // namespace pst::checkpoint
