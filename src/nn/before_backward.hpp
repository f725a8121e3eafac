// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>

#include "nn/checkpointed.hpp"

namespace pst::nn {

/// The same values; the backward pass runs `action` when it comes to them, before anything that made them. Values that
/// no gradient will reach come back as they are.
TensorPair before_backward(const TensorPair& values, std::function<void()> action);

}  // namespace pst::nn
