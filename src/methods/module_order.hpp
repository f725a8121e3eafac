// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <vector>

#include "methods/method.hpp"

namespace pst::methods {

/// Positions in `adapted` in the order in which transformers' model has these modules: PEFT numbers them so where what
/// a layer gets depends on the layers before it.
std::vector<std::size_t> in_module_order(const std::vector<LinearLayer>& layers, const std::vector<Adapted>& adapted);

}  // namespace pst::methods
