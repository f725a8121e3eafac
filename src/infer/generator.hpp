// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "infer/sampling.hpp"
#include "nn/causal_lm.hpp"

namespace pst::infer {

/// Continues `prompt` token by token: an Engine with one request. The stop token is not part of the result.
/// @param on_token  called with each new token; false ends early
/// @throws Error(usage) when the prompt does not leave room in the model's positions
std::vector<std::int32_t> generate(const nn::CausalLm& model, const std::vector<std::int32_t>& prompt,
                                   const Sampling& sampling, const std::function<bool(std::int32_t)>& on_token = {});

}  // namespace pst::infer
