// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "nn/parameter.hpp"

namespace pst::nn {

/// What products use of a parameter, differentiable: its gradient goes to the master, in f32. For methods that are
/// written as operations of libtorch; nodes written by hand read `compute` and name `value` as their input.
at::Tensor in_use(const Parameter& parameter);

}  // namespace pst::nn
