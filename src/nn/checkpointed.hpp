// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <utility>
#include <vector>

namespace pst::nn {

using TensorPair = std::pair<at::Tensor, at::Tensor>;
using TensorList = std::vector<at::Tensor>;

/// Runs body(inputs) keeping only its inputs; backward runs it once more with gradients. `body` has to compute the same
/// bits both times. @see Chen et al. 2016, arXiv:1604.06174
TensorList checkpointed(const std::function<TensorList(const TensorList&)>& body, const TensorList& inputs);

}  // namespace pst::nn
