// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "families/spec.hpp"
#include "methods/adapter.hpp"

namespace pst::recipe {

/// Ends of the names of those adapted layers that PEFT, loading the adapter, would take for routed experts.
/// @see families::peft_expert_names()
std::vector<std::string> misread_targets(const methods::Adapter& adapter, const families::ModelSpec& model);

}  // namespace pst::recipe
