// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "core/rng.hpp"

namespace pst::peft {

/// Normal values of deviation 1, a function of `rng` and of their places, made on several threads of the CPU.
/// @param like  f32 or bf16, of the shape, dtype and device that are wanted
at::Tensor normal_like(const at::Tensor& like, const Rng& rng);

}  // namespace pst::peft
