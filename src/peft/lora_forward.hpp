// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "peft/lora_linear.hpp"

namespace pst::peft {

/// Whether lora_forward() takes these layers at once: they have one scale, their A's lie below each other in memory,
/// and no dropout is at work, which gives each of them another x. One layer alone always goes.
bool go_together(const std::vector<const LoraLinear*>& layers, const nn::Pass& pass);

/// What LoRA layers make of the same x: one autograd node, which keeps x and the rank-r products only. x meets all A's
/// in one product, and so do its gradient and theirs; each frozen product adds to what the update has written, which
/// costs it next to nothing.
/// @param layers  for which go_together() is true
/// @param name    what they are called in a profile; outlives the backward pass
/// @return        of each layer
std::vector<at::Tensor> lora_forward(const std::vector<const LoraLinear*>& layers, const char* name,
                                     const at::Tensor& x_ni, const nn::Pass& pass);

}  // namespace pst::peft
