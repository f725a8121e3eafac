// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "families/spec.hpp"
#include "nn/frozen_storage.hpp"

namespace pst::model {

/// One block per layer, in order, its matrices in the order of families::matrices_of(); then the embedding; then the
/// head, where it is another matrix.
/// @param matrices  how the layers' matrices are kept; embedding and head are dense, for products in `compute`
nn::FrozenLayout layout_of(const families::ModelSpec& spec, const weights::TensorStore& tensors, Dtype compute,
                           const std::shared_ptr<const nn::FrozenFormat>& matrices);

}  // namespace pst::model
