// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "methods/adapter.hpp"

namespace pst::methods {

/// The section that the adapter_config.json of a PEFT adapter folder amounts to.
/// @throws Error(data) for a peft_type that no row of table() has, or a feature we lack
Adapter read_peft_config(const std::filesystem::path& folder);

/// Text of the adapter_config.json. @param modules  names of the layers that are adapted
/// @param base_model  path that PEFT users find in it
std::string peft_config_text(const Adapter& adapter, const std::vector<std::string>& modules,
                             const std::string& base_model);

}  // namespace pst::methods
