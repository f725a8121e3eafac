// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "json/object.hpp"
#include "methods/adapter.hpp"
#include "weights/adapter_names.hpp"

namespace pst::methods {

using weights::kPeftPrefix;

/// The section that the adapter_config.json of a PEFT adapter folder amounts to.
/// @throws Error(data) for a peft_type that no row of table() has, or a feature we lack
Adapter read_peft_config(const std::filesystem::path& folder);

/// Refuses keys that say something which nobody reads, so that PEFT computes something else of them. Null, false, ""
/// and empty lists and objects say nothing.
/// @param read  keys of the method that were read, or that do not bear on what the adapter computes
/// @throws Error(data) naming key and line
void refuse_other_keys(const json::Object& config, std::initializer_list<std::string_view> read);

/// Keys of every method that say whose adapter it is and how it was made.
bool is_of_every_method(std::string_view key);
bool says_nothing(const json::Value& value);  ///< null, false, "", empty

/// Text of the adapter_config.json. @param modules  names of the layers that are adapted
/// @param base_model  path that PEFT users find in it
std::string peft_config_text(const Adapter& adapter, const std::vector<std::string>& modules,
                             const std::string& base_model);

}  // namespace pst::methods
