// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

#include "families/spec.hpp"
#include "weights/safetensors.hpp"

namespace pst::model {

/// Gives the matrix of a linear layer, by its name, as the model's files have it: f32 [out, in] on the CPU. For what
/// compares it with the base that products use.
std::function<at::Tensor(const std::string& layer)> stored_matrices(families::ModelSpec spec,
                                                                    std::shared_ptr<const weights::TensorStore> files);

}  // namespace pst::model
