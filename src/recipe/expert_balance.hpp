// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/spec.hpp"
#include "recipe/train.hpp"

namespace pst::recipe {

/// Factor of the loss that balances experts: the recipe's, else the model's where its config asks for it; 0: none.
/// @throws Error(usage) where the recipe wants one for a model that has no experts, or a family that transformers has
///         no such loss for
double balance_factor(const Train& train, const families::ModelSpec& model);

}  // namespace pst::recipe
