// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "methods/method.hpp"

namespace pst::methods {

/// Whether a layer that the method adapts gets a matrix B, by PEFT's name for it: LoRA+ gives it a rate of its own.
bool has_matrix_b(const Method& method);

}  // namespace pst::methods
