// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

namespace pst::families {

/// What people call the models of a family; empty for a type without a row of table().
std::string_view known_models(std::string_view model_type);

/// Whether its layers hold experts, in some models of it or in all.
bool has_experts(std::string_view model_type);

}  // namespace pst::families
