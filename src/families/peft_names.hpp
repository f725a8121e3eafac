// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>

/// What PEFT does by a model's family alone. @see PEFT 0.21.2
namespace pst::families {

/// Ends of the names of the layers that PEFT adapts where target_modules is not given; empty: it has none for this
/// family, and refuses. @see peft/utils/constants.py
std::span<const std::string_view> peft_default_targets(std::string_view model_type);

/// Ends of names that PEFT takes for routed experts in this family, whatever layer is called so: the experts were
/// modules up to transformers 4. @see peft/utils/transformers_weight_conversion.py
std::span<const std::string_view> peft_expert_names(std::string_view model_type);

}  // namespace pst::families
