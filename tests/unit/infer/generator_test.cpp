// SPDX-License-Identifier: Apache-2.0
#include "infer/generator.hpp"
#include "families/read_model.hpp"

#include <cmath>
#include <map>

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::infer {
namespace {

TEST(ChooseToken, GreedyTakesTheHighestAndTheFirstOfEquals) {
  EXPECT_EQ(choose_token({0.1f, 2.0f, 2.0f, -1.0f}, {}, 0), 1);
}

TEST(ChooseToken, SamplesInProportion) {
  std::map<std::int32_t, int> seen;
  for (std::uint64_t i = 0; i < 20000; ++i)
    ++seen[choose_token({std::log(0.7f), std::log(0.2f), std::log(0.1f)}, {.temperature = 1}, i)];
  EXPECT_NEAR(seen[0] / 20000.0, 0.7, 0.02);
  EXPECT_NEAR(seen[2] / 20000.0, 0.1, 0.015);
}

TEST(ChooseToken, TopPLeavesTheTailOut) {
  for (std::uint64_t i = 0; i < 2000; ++i)
    EXPECT_NE(choose_token({std::log(0.7f), std::log(0.2f), std::log(0.1f)}, {.temperature = 1, .top_p = 0.85}, i), 2);
}

std::unique_ptr<nn::CausalLm> model() {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path());
  return model::load(families::read_model(dir.path()), weights::TensorStore::open(dir.path()), at::kFloat, 32);
}

TEST(Generate, RepeatsItselfAndStopsAtAStopToken) {
  const auto lm = model();
  const auto answer = generate(*lm, {5, 6, 7}, {.max_new_tokens = 8});
  ASSERT_EQ(answer.size(), 8u);
  EXPECT_EQ(generate(*lm, {5, 6, 7}, {.max_new_tokens = 8}), answer);

  const auto stopped = generate(*lm, {5, 6, 7}, {.max_new_tokens = 8, .stop_ids = {answer[3]}});

  const auto first = std::find(answer.begin(), answer.end(), answer[3]);
  EXPECT_EQ(stopped, std::vector<std::int32_t>(answer.begin(), first));
}

TEST(Generate, EndsAtTheLastPositionAndRefusesALongerPrompt) {
  const auto lm = model();
  EXPECT_LE(generate(*lm, std::vector<std::int32_t>(30, 5), {.max_new_tokens = 100}).size(), 2u);
  EXPECT_THROW(generate(*lm, std::vector<std::int32_t>(33, 5), {}), Error);
}

}  // namespace
}  // namespace pst::infer
