// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/ScalarType.h>

#include "families/spec.hpp"
#include "quant/format.hpp"
#include "recipe/model.hpp"

namespace pst::app {

/// What the recipe and the model's folder say about how frozen matrices are kept.
quant::Options quant_options(const recipe::Quantization& wanted, const families::ModelSpec& config,
                             at::ScalarType compute);

/// What the folder asks for, for where there is no recipe.
recipe::Quantization as_stored(const families::ModelSpec& config);

}  // namespace pst::app
