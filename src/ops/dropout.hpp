// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include "core/rng.hpp"

namespace pst::ops {

/// x with some values zeroed and the others scaled up; the same ones for the same random numbers. No autograd.
at::Tensor dropped(const at::Tensor& x, double chance, const Rng& rng);

}  // namespace pst::ops
