// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "families/spec.hpp"
#include "methods/places.hpp"

namespace pst::recipe {

/// What an adapter chooses from: a model's linear layers, in its order.
std::vector<methods::LinearLayer> linear_layers(const families::ModelSpec& model);

/// All of a model that adapters may change.
methods::Places places_of(const families::ModelSpec& model);

}  // namespace pst::recipe
