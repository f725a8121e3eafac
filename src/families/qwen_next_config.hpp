// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "families/decoder_config.hpp"

namespace pst::families {

/// What Qwen3-Next and Qwen 3.5 have in common: most layers have a gated delta rule in the place of attention;
/// attention gates its heads; norms store their weights less one.
/// @param by_key_head  the first products of a delta rule are two, by key head; else four
ModelSpec read_qwen_next(const json::Object& config, bool by_key_head, const Absent& absent);

/// Puts experts, one of which every row takes, in place of the MLPs of these layers.
/// @param normalised  weights of a row's experts sum to one
void add_qwen_experts(const json::Object& config, ModelSpec& model, bool normalised);

}  // namespace pst::families
