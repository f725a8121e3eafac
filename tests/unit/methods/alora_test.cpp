// SPDX-License-Identifier: Apache-2.0
// What activated LoRA does not go with.
#include <gmock/gmock.h>

#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "methods/start.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"

namespace pst::methods {
namespace {

using ::testing::HasSubstr;

Places model() {
  Places places =
      std::vector<LinearLayer>{{.name = "model.layers.0.self_attn.q_proj", .out = 12, .in = 10},
                               {.name = "model.layers.0.mlp.experts.0.up_proj", .out = 9, .in = 10, .is_expert = true},
                               {.name = "lm_head", .out = 50, .in = 10, .is_head = true},
                               {.name = "model.embed_tokens", .out = 10, .in = 50, .is_embedding = true}};
  places.embedding = "model.embed_tokens";
  places.vocabulary = 50;
  places.embedding_width = 10;
  return places;
}

std::string refusal(Lora keys, const std::vector<std::string>& targets = {"q_proj"}) {
  keys.r = 2;
  if (keys.alora_invocation_tokens.empty()) keys.alora_invocation_tokens = {7, 8};
  return fixture::error_of(Fault::usage, [&] { tensors_of(fixture::lora(keys, fixture::named(targets)), model()); });
}

TEST(ActivatedLora, DoesNotGoWithWhatChangesTheBaseEverywhere) {
  EXPECT_THAT(refusal({.use_dora = true}),
              HasSubstr("alora_invocation_tokens and adapter.use_dora do not go together"));
  EXPECT_THAT(refusal({.lora_bias = true}), HasSubstr("adapter.lora_bias"));
  EXPECT_THAT(refusal({.init_lora_weights = LoraInit::pissa}), HasSubstr("whose start changes the base"));
}

TEST(ActivatedLora, IsForLayersThatAllRowsPass) {
  for (const char* const target : {"lm_head", "experts.0.up_proj", "embed_tokens"})
    EXPECT_THAT(refusal({}, {"q_proj", target}), HasSubstr("take it out of adapter.target_modules")) << target;
  EXPECT_NO_THROW(
      tensors_of(fixture::lora({.r = 2, .alora_invocation_tokens = {49}}, fixture::named({"q_proj"})), model()));
}

TEST(ActivatedLora, KnowsTheVocabularyAndWhatItStartsFrom) {
  EXPECT_THAT(refusal({.alora_invocation_tokens = {3, 50}}), HasSubstr("has 50, and the model's vocabulary 50 tokens"));
  EXPECT_THAT(
      fixture::error_of(Fault::usage,
                        [] { require_start(fixture::lora({.alora_invocation_tokens = {3}}), fixture::lora({})); }),
      HasSubstr("other alora_invocation_tokens"));
}

TEST(ActivatedLora, CannotBeMerged) {
  EXPECT_THAT(kept_apart(fixture::lora({.alora_invocation_tokens = {3}})), HasSubstr("behind its invocation"));
  EXPECT_EQ(kept_apart(fixture::lora({})), "");
}

}  // namespace
}  // namespace pst::methods
