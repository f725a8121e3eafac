// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "json/object.hpp"
#include "methods/targets.hpp"

namespace pst::methods {

/// PEFT's target_modules: a pattern, or a sorted list of names; `all-linear` and `default` are spelled out.
/// @param modules  names of the layers that were adapted
json::Ordered peft_targets(const Targets& targets, const std::vector<std::string>& modules);

/// target_modules, exclude_modules and layers_to_transform of an adapter_config.json.
Targeting read_peft_targeting(const json::Object& config);

}  // namespace pst::methods
