// SPDX-License-Identifier: Apache-2.0
#include "infer/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "core/rng.hpp"

namespace pst::infer {
namespace {

constexpr float kOut = -std::numeric_limits<float>::infinity();

std::size_t at(std::int32_t token) { return static_cast<std::size_t>(token); }

void penalise(std::vector<float>& logits, const Sampling& sampling, const Context& context) {
  if (sampling.repetition_penalty != 1) {
    std::vector<bool> seen(logits.size());
    const auto once = [&](std::span<const std::int32_t> tokens) {
      for (const std::int32_t token : tokens) {
        if (seen[at(token)]) continue;
        seen[at(token)] = true;
        const auto factor = static_cast<float>(sampling.repetition_penalty);
        float& logit = logits[at(token)];
        logit = logit < 0 ? logit * factor : logit / factor;
      }
    };
    once(context.prompt);
    once(context.answer);
  }
  if (sampling.frequency_penalty == 0 && sampling.presence_penalty == 0) return;
  std::unordered_map<std::int32_t, int> counts;
  for (const std::int32_t token : context.answer) ++counts[token];
  for (const auto& [token, count] : counts)
    logits[at(token)] -= static_cast<float>(sampling.frequency_penalty * count + sampling.presence_penalty);
}

/// e^(logit - highest) of each, and their sum.
struct Weights {
  std::vector<double> values;
  double sum = 0;
};
Weights weights_of(const std::vector<float>& logits) {
  const double highest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  Weights weights{.values = std::vector<double>(logits.size())};
  for (std::size_t i = 0; i < logits.size(); ++i)
    weights.sum += weights.values[i] = std::exp(static_cast<double>(logits[i]) - highest);
  return weights;
}

/// Ids by falling logit, equal ones by rising id.
std::vector<std::int32_t> by_logit(const std::vector<float>& logits) {
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return logits[at(a)] > logits[at(b)]; });
  return order;
}

void keep_top_k(std::vector<float>& logits, std::int64_t k) {
  if (k <= 0 || k >= std::ssize(logits)) return;
  std::vector<float> sorted = logits;
  std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end(), std::greater<>());
  const float least = sorted[static_cast<std::size_t>(k - 1)];
  for (float& logit : logits)
    if (logit < least) logit = kOut;
}

void keep_top_p(std::vector<float>& logits, double p) {
  if (p >= 1) return;
  const Weights weights = weights_of(logits);
  double kept = 0;
  bool is_first = true;
  for (const std::int32_t token : by_logit(logits)) {
    // What is less likely than this one holds 1 - kept; as long as that exceeds 1 - p, the token stays.
    if (!is_first && kept >= p * weights.sum) logits[at(token)] = kOut;
    kept += weights.values[at(token)];
    is_first = false;
  }
}

void keep_min_p(std::vector<float>& logits, double p) {
  if (p <= 0) return;
  const Weights weights = weights_of(logits);  // the most likely one weighs 1
  for (std::size_t i = 0; i < logits.size(); ++i)
    if (weights.values[i] < p) logits[i] = kOut;
}

void keep_typical(std::vector<float>& logits, double mass) {
  if (mass >= 1) return;
  const Weights weights = weights_of(logits);
  double entropy = 0;
  std::vector<double> surprise(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double p = weights.values[i] / weights.sum;
    surprise[i] = -std::log(p);
    if (p > 0) entropy += p * surprise[i];
  }
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto distance = [&](std::int32_t token) { return std::abs(surprise[at(token)] - entropy); };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int32_t a, std::int32_t b) { return distance(a) < distance(b); });
  double kept = 0;
  std::size_t last = 0;
  while (last + 1 < order.size() && (kept += weights.values[at(order[last])] / weights.sum) < mass) ++last;
  const double most = distance(order[last]);
  for (std::int32_t token = 0; token < std::ssize(logits); ++token)
    if (distance(token) > most) logits[at(token)] = kOut;
}

std::int32_t most_likely(const std::vector<float>& logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

std::vector<float> processed(std::vector<float> logits, const Sampling& sampling, const Context& context) {
  for (const auto& [token, bias] : sampling.logit_bias) logits[at(token)] += bias;
  penalise(logits, sampling, context);
  if (std::ssize(context.answer) < sampling.min_new_tokens)
    for (const std::int32_t token : sampling.stop_ids) logits[at(token)] = kOut;
  if (sampling.temperature <= 0) return logits;
  for (float& logit : logits) logit = static_cast<float>(static_cast<double>(logit) / sampling.temperature);
  keep_top_k(logits, sampling.top_k);
  keep_top_p(logits, sampling.top_p);
  keep_min_p(logits, sampling.min_p);
  keep_typical(logits, sampling.typical_p);
  return logits;
}

std::int32_t choose_token(std::vector<float> logits, const Sampling& sampling, const Context& context) {
  logits = processed(std::move(logits), sampling, context);
  if (sampling.temperature <= 0) return most_likely(logits);
  const Weights weights = weights_of(logits);
  const Rng draws = Rng(sampling.seed).child("sample").child(sampling.sample);
  double left = static_cast<double>(draws.uniform(context.answer.size())) * weights.sum;
  std::int32_t last = most_likely(logits);  // for a rounding at the very end
  for (std::int32_t token = 0; token < std::ssize(logits); ++token) {
    if (weights.values[at(token)] == 0) continue;
    last = token;
    left -= weights.values[at(token)];
    if (left < 0) break;
  }
  return last;
}

std::vector<float> log_softmax(std::span<const float> logits) {
  const double highest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  const double shift = highest + std::log(sum);
  std::vector<float> log_p(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) log_p[i] = static_cast<float>(static_cast<double>(logits[i]) - shift);
  return log_p;
}

}  // namespace pst::infer
