// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include "families/spec.hpp"
#include "json/object.hpp"

namespace pst::families {

/// `embedding_multiplier`, `residual_multiplier`, `attention_multiplier` (in place of 1 / sqrt(head_dim)) and
/// `logits_scaling` (a divisor), each 1 where it is missing.
void read_granite_multipliers(const json::Object& config, ModelSpec& model);

/// Puts experts in place of the layer's MLP that lie in one tensor: gates first, then ups, of each.
void add_granite_experts(LayerSpec& layer, const std::string& prefix, std::int64_t experts, std::int64_t chosen,
                         std::int64_t hidden);

}  // namespace pst::families
