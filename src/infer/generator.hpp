// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "infer/sampling.hpp"
#include "nn/causal_lm.hpp"

namespace pst::infer {

/// Continues `prompt` token by token with cached keys and values. The stop token is not part of the result.
/// @param on_token  called with each new token; false ends early
/// @param device    that the model computes on; tokens are chosen on the CPU
/// @throws Error(usage) when the prompt does not leave room in the model's positions
std::vector<std::int32_t> generate(const nn::CausalLm& model, const std::vector<std::int32_t>& prompt,
                                   const Sampling& sampling, const std::function<bool(std::int32_t)>& on_token = {},
                                   at::Device device = at::kCPU);

/// Chooses from f32 logits [vocabulary] with the random number of this position. Ties go to the lower id.
std::int32_t choose_token(std::vector<float> logits, const Sampling& sampling, std::uint64_t position);

}  // namespace pst::infer
