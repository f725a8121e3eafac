// SPDX-License-Identifier: Apache-2.0
#include "infer/sampling.hpp"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace pst::infer {
namespace {

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}
std::vector<bool> kept(const std::vector<double>& probabilities, const Sampling& sampling) {
  std::vector<bool> in;
  for (const float logit : processed(logits_of(probabilities), sampling, {})) in.push_back(std::isfinite(logit));
  return in;
}
using Kept = std::vector<bool>;

TEST(ChooseToken, GreedyTakesTheHighestAndTheFirstOfEquals) {
  EXPECT_EQ(choose_token({0.1f, 2.0f, 2.0f, -1.0f}, {}, {}), 1);
}

TEST(ChooseToken, DrawsInProportion) {
  const std::vector<double> p = {0.4, 0.3, 0.15, 0.1, 0.04, 0.01};
  constexpr int kDraws = 100'000;
  std::vector<int> seen(p.size());
  std::vector<std::int32_t> answer;
  for (int i = 0; i < kDraws; ++i)
    ++seen[static_cast<std::size_t>(choose_token(
        logits_of(p), {.temperature = 1, .sample = static_cast<std::uint64_t>(i)}, {.prompt = {}, .answer = answer}))];
  double chi_square = 0;
  for (std::size_t i = 0; i < p.size(); ++i) chi_square += std::pow(seen[i] - kDraws * p[i], 2) / (kDraws * p[i]);
  EXPECT_LT(chi_square, 20.5);  // 5 degrees of freedom: exceeded by chance once in a thousand seeds, and this is one
}

TEST(ChooseToken, EveryPositionSampleAndSeedHasItsOwnDraw) {
  const std::vector<float> flat(1000, 0.0f);
  const std::vector<std::int32_t> none, one{5};
  const auto drawn = [&](std::uint64_t seed, std::uint64_t sample, const std::vector<std::int32_t>& answer) {
    return choose_token(flat, {.temperature = 1, .seed = seed, .sample = sample}, {.prompt = {}, .answer = answer});
  };
  EXPECT_EQ(drawn(1, 0, none), drawn(1, 0, none));
  EXPECT_NE(drawn(1, 0, none), drawn(2, 0, none));
  EXPECT_NE(drawn(1, 0, none), drawn(1, 1, none));
  EXPECT_NE(drawn(1, 0, none), drawn(1, 0, one));
}

TEST(Processed, TopKKeepsThoseThatAreLikeTheLast) {
  EXPECT_EQ(kept({0.4, 0.2, 0.2, 0.15, 0.05}, {.temperature = 1, .top_k = 2}), (Kept{true, true, true, false, false}));
}

TEST(Processed, TopPKeepsTheFewestThatHoldSoMuch) {
  EXPECT_EQ(kept({0.1, 0.6, 0.3}, {.temperature = 1, .top_p = 0.85}), (Kept{false, true, true}));
  EXPECT_EQ(kept({0.1, 0.6, 0.3}, {.temperature = 1, .top_p = 0.5}), (Kept{false, true, false}));
  EXPECT_EQ(kept({0.1, 0.6, 0.3}, {.temperature = 1, .top_p = 0.0001}), (Kept{false, true, false})) << "one stays";
}

TEST(Processed, MinPGoesByTheMostLikely) {
  EXPECT_EQ(kept({0.5, 0.3, 0.12, 0.08}, {.temperature = 1, .min_p = 0.2}), (Kept{true, true, true, false}));
}

TEST(Processed, TypicalLeavesTheMostLikelyOutToo) {
  // Entropy 1.07: the surprises 0.80 and 1.29 are 0.27 and 0.22 away from it.
  EXPECT_EQ(kept({0.45, 0.275, 0.275}, {.temperature = 1, .typical_p = 0.1}), (Kept{false, true, true}));
}

TEST(Processed, TemperatureActsBeforeTheCuts) {
  EXPECT_EQ(kept({0.6, 0.3, 0.1}, {.temperature = 1, .top_p = 0.8}), (Kept{true, true, false}));
  EXPECT_EQ(kept({0.6, 0.3, 0.1}, {.temperature = 0.5, .top_p = 0.8}), (Kept{true, true, false}));
  EXPECT_EQ(kept({0.6, 0.3, 0.1}, {.temperature = 4, .top_p = 0.8}), (Kept{true, true, true}));
}

TEST(Processed, PenaltiesAndBias) {
  const std::vector<std::int32_t> prompt{0}, answer{1, 1, 2};
  const Context context{prompt, answer};
  EXPECT_EQ(processed({2, 2, -2, 2}, {.repetition_penalty = 2}, context), (std::vector<float>{1, 1, -4, 2}));
  EXPECT_EQ(processed({2, 2, 2, 2}, {.frequency_penalty = 0.5}, context), (std::vector<float>{2, 1, 1.5, 2}));
  EXPECT_EQ(processed({2, 2, 2, 2}, {.presence_penalty = 0.5}, context), (std::vector<float>{2, 1.5, 1.5, 2}));
  EXPECT_EQ(processed({2, 2}, {.logit_bias = {{1, -3.0f}}}, {}), (std::vector<float>{2, -1}));
}

TEST(Processed, AnAnswerDoesNotStopBeforeItsLeast) {
  const std::vector<std::int32_t> one{0}, two{0, 0};
  const Sampling sampling{.min_new_tokens = 2, .stop_ids = {1}};
  EXPECT_EQ(choose_token({0, 1}, sampling, {.prompt = {}, .answer = one}), 0);
  EXPECT_EQ(choose_token({0, 1}, sampling, {.prompt = {}, .answer = two}), 1);
}

TEST(LogSoftmax, AddsUpToOne) {
  double sum = 0;
  for (const float log_p : log_softmax(std::vector<float>{1000.0f, 999.0f, -1000.0f}))
    sum += std::exp(static_cast<double>(log_p));
  EXPECT_NEAR(sum, 1, 1e-6);
}

}  // namespace
}  // namespace pst::infer
