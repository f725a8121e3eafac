// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>

#include "core/rng.hpp"
#include "methods/lora.hpp"

namespace pst::peft {

struct LowRank {
  at::Tensor a_ri, b_or;  ///< f32
};

/// Where A and B start. @param scale  of the update
/// @param weight  gives the base's weight, f32 [out, in], of LoftQ what quantising it has lost; asked only where the
///                start is made of it
LowRank lora_start(methods::LoraInit init, std::int64_t r, std::int64_t in, std::int64_t out, double scale,
                   const std::function<at::Tensor()>& weight, const Rng& rng);

}  // namespace pst::peft
