// SPDX-License-Identifier: Apache-2.0
#include "infer/generator.hpp"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"
#include "ops/torch_exec.hpp"

namespace pst::infer {

std::int32_t choose_token(std::vector<float> logits, const Sampling& sampling, std::uint64_t position) {
  const auto best = std::max_element(logits.begin(), logits.end());
  if (sampling.temperature <= 0) return static_cast<std::int32_t>(best - logits.begin());

  const float highest = *best;
  double total = 0;
  for (float& logit : logits) {
    logit = static_cast<float>(std::exp(static_cast<double>(logit - highest) / sampling.temperature));
    total += static_cast<double>(logit);
  }
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
  });
  double kept = 0;
  std::size_t count = 0;
  while (count < order.size() && (count == 0 || kept < sampling.top_p * total))
    kept += static_cast<double>(logits[static_cast<std::size_t>(order[count++])]);

  double left = static_cast<double>(Rng(sampling.seed).child("sample").uniform(position)) * kept;
  for (std::size_t i = 0; i < count; ++i) {
    left -= static_cast<double>(logits[static_cast<std::size_t>(order[i])]);
    if (left < 0) return order[i];
  }
  return order[count - 1];
}

std::vector<std::int32_t> generate(const nn::CausalLm& model, const std::vector<std::int32_t>& prompt,
                                   const Sampling& sampling, const std::function<bool(std::int32_t)>& on_token,
                                   at::Device device) {
  PST_ASSERT(!prompt.empty(), "a prompt has at least one token");
  const auto room = model.max_positions() - static_cast<std::int64_t>(prompt.size());
  if (room < 1)
    throw Error(Fault::usage,
                cat("the prompt has ", prompt.size(), " tokens, and the model ", model.max_positions(), " positions"),
                "shorten the prompt");
  at::NoGradGuard no_gradients;
  nn::KvCache cache{.longest = static_cast<std::int64_t>(prompt.size()) + std::min(room, sampling.max_new_tokens)};
  std::vector<std::int32_t> answer, next = prompt;
  for (std::int64_t i = 0; i < std::min(room, sampling.max_new_tokens); ++i) {
    const at::Tensor ids = at::empty({static_cast<std::int64_t>(next.size())}, at::kLong);
    std::copy(next.begin(), next.end(), ids.mutable_data_ptr<std::int64_t>());
    const at::Tensor hidden = model.continue_document(ids.to(device), cache);
    const at::Tensor logits = model.logits(hidden.slice(0, hidden.size(0) - 1)).to(at::kCPU, at::kFloat).contiguous();
    const auto values = ops::view_of(logits).as<float>();
    const std::int32_t token = choose_token({values.begin(), values.end()}, sampling, static_cast<std::uint64_t>(i));
    if (std::find(sampling.stop_ids.begin(), sampling.stop_ids.end(), token) != sampling.stop_ids.end()) break;
    answer.push_back(token);
    if (on_token && !on_token(token)) break;
    next = {token};
  }
  return answer;
}

}  // namespace pst::infer
