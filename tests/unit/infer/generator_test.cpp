// SPDX-License-Identifier: Apache-2.0
#include "infer/generator.hpp"
#include "families/read_model.hpp"

#include "core/error.hpp"
#include "model/decoder.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::infer {
namespace {

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
