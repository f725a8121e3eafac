// SPDX-License-Identifier: Apache-2.0
#include "infer/engine.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "model/decoder.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"
#include "support/tensors.hpp"
#include "support/tiny_model.hpp"

namespace pst::infer {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<nn::CausalLm> model(at::ScalarType dtype = at::kFloat, fixture::TinyModel of = {}) {
  const fixture::TemporaryDirectory dir;
  of.init_std = 0.4;  // so that answers do not repeat one token
  fixture::write_tiny_model(dir.path(), of);
  return model::load(families::read_model(dir.path()), weights::TensorStore::open(dir.path()), dtype, 128);
}

/// Prompts of many lengths, some with a beginning in common; greedy and drawn answers.
std::vector<Request> requests(std::int64_t count) {
  const Rng random(7);
  std::vector<Request> all;
  for (std::int64_t i = 0; i < count; ++i) {
    Request request{.id = cat("r", i), .prompt = {}, .sampling = {}};
    const auto length = static_cast<std::int64_t>(1 + random.child("length").below(50, static_cast<std::uint64_t>(i)));
    for (std::int64_t t = 0; t < length; ++t) {
      const bool common = i % 3 == 0 && t < 40;
      const Rng tokens = random.child("tokens").child(common ? 1000u : static_cast<std::uint64_t>(i));
      request.prompt.push_back(static_cast<std::int32_t>(tokens.below(320, static_cast<std::uint64_t>(t))));
    }
    request.sampling.temperature = i % 2 == 0 ? 0 : 1.3;
    request.sampling.seed = static_cast<std::uint64_t>(i);
    request.sampling.max_new_tokens = 3 + i % 17;
    all.push_back(std::move(request));
  }
  return all;
}

using Answers = std::map<std::string, std::vector<std::int32_t>>;

/// @param arrivals  how many requests come before each step
Answers answers_of(Engine& engine, std::vector<Request> requests, std::size_t arrivals = 1000) {
  Answers answers;
  std::size_t next = 0;
  while (next < requests.size() || !engine.is_idle()) {
    for (std::size_t i = 0; i < arrivals && next < requests.size(); ++i) engine.submit(requests[next++]);
    for (const Event& event : engine.step()) {
      if (event.token) answers[event.id].push_back(*event.token);
    }
  }
  return answers;
}

Answers alone(const nn::CausalLm& lm, const std::vector<Request>& requests) {
  Answers answers;
  for (const Request& request : requests) {
    Engine engine(lm, {.max_sequences = 1, .prefix_cache = false});
    answers.merge(answers_of(engine, {request}));
  }
  return answers;
}

/// As generation on CPUs without bf16 has it: half the bytes to read, and the same numbers.
TEST(Engine, HoweverTheWeightsAreKept) {
  const fixture::TemporaryDirectory dir;
  fixture::write_tiny_model(dir.path(), {.attention_bias = true, .init_std = 0.4, .dtype = "BF16"});
  const auto spec = families::read_model(dir.path());
  const auto store = weights::TensorStore::open(dir.path());
  const auto answers = [&](nn::Kept kept) {
    const std::shared_ptr<const nn::FrozenFormat> format = nn::dense_format(Dtype::f32, kept);
    EXPECT_EQ(format->parts({store, "model.norm.weight", 1, 32}).at(0).dtype,
              kept == nn::Kept::as_stored ? Dtype::bf16 : Dtype::f32);
    const auto lm = model::load(spec, store, at::kFloat, format, nn::replicated_storage_on(at::kCPU), 128);
    Engine engine(*lm, {.max_sequences = 5});
    return answers_of(engine, requests(12));
  };

  EXPECT_EQ(answers(nn::Kept::as_stored), answers(nn::Kept::as_computed));
}

class SameText : public testing::TestWithParam<at::ScalarType> {};

TEST_P(SameText, WhateverElseIsComputed) {
  const auto lm = model(GetParam());
  std::vector<Request> all = requests(24);
  const Answers expected = alone(*lm, all);

  for (const std::int64_t together : {2, 5, 16}) {
    Engine engine(*lm, {.max_sequences = together, .prefix_cache = false});
    EXPECT_EQ(answers_of(engine, all), expected) << together << " together";
  }
  std::reverse(all.begin(), all.end());
  Engine shuffled(*lm, {.max_sequences = 6, .max_rows = 11, .prefix_cache = false});
  EXPECT_EQ(answers_of(shuffled, all, 2), expected) << "in another order, prompts in parts";
}

TEST_P(SameText, WithBeginningsThatAreKnown) {
  const auto lm = model(GetParam());
  const std::vector<Request> all = requests(24);
  Engine engine(*lm, {.max_sequences = 4});

  EXPECT_EQ(answers_of(engine, all), alone(*lm, all));
  const auto first = engine.counts();
  EXPECT_GT(first.prefix_found, 0) << "every third prompt begins alike";
  EXPECT_EQ(answers_of(engine, all), alone(*lm, all)) << "the same again";
  EXPECT_GT(engine.counts().prefix_found, 2 * first.prefix_found);
}

TEST_P(SameText, WhereAnswersGiveUpTheirPages) {
  const auto lm = model(GetParam());
  std::vector<Request> all = requests(12);
  for (Request& request : all) request.sampling.max_new_tokens = 60;
  Engine engine(*lm, {.max_sequences = 8, .max_cached_tokens = 160});

  EXPECT_EQ(answers_of(engine, all), alone(*lm, all));
  EXPECT_GT(engine.counts().put_back, 0) << "the pages were too many for this test to say anything";
}

INSTANTIATE_TEST_SUITE_P(Dtypes, SameText, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& of) { return of.param == at::kFloat ? "f32" : "bf16"; });

TEST(Engine, GivesEveryPageBack) {
  const auto lm = model();
  Engine engine(*lm, {.max_sequences = 5, .prefix_cache = false});
  answers_of(engine, requests(9));
  EXPECT_EQ(engine.counts().free_pages, engine.counts().pages);
}

TEST(Engine, CancelsWhatIsUnderWayAndWhatWaits) {
  const auto lm = model();
  Engine engine(*lm, {.max_sequences = 1, .prefix_cache = false});
  for (const Request& request : requests(3)) engine.submit(request);
  engine.step();
  engine.cancel("r0");
  engine.cancel("r2");

  std::map<std::string, Finish> ends;
  while (!engine.is_idle())
    for (const Event& event : engine.step())
      if (event.finish != Finish::no) ends[event.id] = event.finish;

  EXPECT_EQ(ends.at("r0"), Finish::cancelled);
  EXPECT_EQ(ends.at("r1"), Finish::length);
  EXPECT_EQ(ends.at("r2"), Finish::cancelled);
  EXPECT_EQ(engine.counts().free_pages, engine.counts().pages);
}

TEST(Engine, LogProbabilitiesAreThoseOfTheModel) {
  const auto lm = model();
  Request request = requests(1)[0];
  request.sampling.max_new_tokens = 1;
  request.log_probabilities = 3;
  Engine engine(*lm, {.max_sequences = 1});
  engine.submit(request);
  const auto events = engine.step();

  ASSERT_TRUE(events.at(0).log_probabilities.has_value());
  const auto& of = *events[0].log_probabilities;
  ASSERT_EQ(of.likeliest.size(), 3u);
  EXPECT_EQ(of.likeliest[0].first, *events[0].token) << "greedy takes the likeliest";
  EXPECT_FLOAT_EQ(of.likeliest[0].second, of.chosen);
  std::vector<std::uint8_t> labelled(request.prompt.size());
  const nn::Batch batch = nn::make_batch({{request.prompt, labelled}}, lm->vocabulary());
  const at::Tensor hidden = lm->forward(batch, {}, nn::Recompute::nothing);
  const at::Tensor logits = lm->logits(hidden.slice(0, hidden.size(0) - 1)).log_softmax(-1);
  EXPECT_NEAR(of.chosen, logits[0][*events[0].token].item<float>(), 1e-4);
}

TEST(Engine, RefusesWhatItCannotAnswer) {
  const auto lm = model();
  Engine engine(*lm, {.max_sequences = 2});
  const auto refused = [&](Request request) {
    return fixture::error_of(Fault::usage, [&] { engine.submit(std::move(request)); });
  };
  EXPECT_THAT(refused({.id = "a", .prompt = {}}), HasSubstr("empty"));
  EXPECT_THAT(refused({.id = "a", .prompt = std::vector<std::int32_t>(128, 5)}), HasSubstr("128 positions"));
  EXPECT_THAT(refused({.id = "a", .prompt = {1, 320}}), HasSubstr("token 320"));
  engine.submit({.id = "a", .prompt = {1}});
  EXPECT_THAT(refused({.id = "a", .prompt = {2}}), HasSubstr("'a' is under way"));
}

}  // namespace
}  // namespace pst::infer
