// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "families/spec.hpp"
#include "methods/targets.hpp"

namespace pst::recipe {

/// What an adapter chooses from: a model's linear layers, in its order.
std::vector<methods::LinearLayer> linear_layers(const families::ModelSpec& model);

}  // namespace pst::recipe
