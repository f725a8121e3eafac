// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>

#include "families/spec.hpp"

namespace pst::families {

/// Changes the names of all modules and tensors of a model.
void rename(ModelSpec& model, const std::function<void(std::string&)>& change);

}  // namespace pst::families
