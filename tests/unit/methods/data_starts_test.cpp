// SPDX-License-Identifier: Apache-2.0
#include "methods/data_starts.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "methods/lora.hpp"
#include "methods/method.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"

namespace pst::methods {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

const std::vector<LinearLayer> kLayers = {{"model.layers.0.q_proj", 32, 32},
                                          {"model.layers.0.k_proj", 8, 32},
                                          {"model.layers.1.q_proj", 32, 32},
                                          {"model.layers.1.k_proj", 8, 32}};

Adapter adapter(LoraInit init, int r = 4, EvaConfig eva = {}) {
  return fixture::lora({.r = r, .alpha = 8, .init_lora_weights = init, .eva_config = eva});
}

TEST(EvaRanks, BecomePatternsAndLayersWithoutOneGo) {
  const Adapter found =
      with_ranks(adapter(LoraInit::eva), kLayers,
                 {{"model.layers.0.q_proj", 6}, {"model.layers.0.k_proj", 4}, {"model.layers.1.q_proj", 2}});
  const auto& keys = found.as<Lora>();
  EXPECT_THAT(keys.rank_pattern, ElementsAre(Pair("model.layers.0.q_proj", 6), Pair("model.layers.1.q_proj", 2)));
  EXPECT_THAT(keys.alpha_pattern, ElementsAre(Pair("model.layers.0.q_proj", 12), Pair("model.layers.1.q_proj", 4)));

  const std::vector<Adapted> adapted = adapt(found, kLayers);
  ASSERT_EQ(adapted.size(), 3u) << "a layer without a rank is adapted";
  EXPECT_EQ(adapted[0].rank, 6);
  EXPECT_EQ(adapted[0].scale, 2) << "alpha has changed as the rank has";
  EXPECT_EQ(adapted[1].rank, 4);
}

TEST(EvaRanks, ScalesMayStay) {
  const Adapter found =
      with_ranks(adapter(LoraInit::eva, 4, {.adjust_scaling_factors = false}), kLayers, {{"model.layers.0.q_proj", 8}});
  EXPECT_TRUE(found.as<Lora>().alpha_pattern.empty());
  EXPECT_EQ(adapt(found, kLayers).front().scale, 1);
}

TEST(EvaRanks, AreThoseOfTheKeysUntilTheyAreFound) {
  EXPECT_EQ(adapt(adapter(LoraInit::eva), kLayers).size(), 4u);
  EXPECT_EQ(eva_components({.rho = 1.5}, 3), 4) << "4.5: the even neighbour, as Python rounds";
  EXPECT_EQ(eva_components({.rho = 1.5}, 5), 8);
}

std::string refusal(const Adapter& of, const std::vector<LinearLayer>& layers = kLayers) {
  return fixture::error_of(Fault::usage, [&] { adapt(of, layers); });
}

TEST(DataStarts, WhatTheyCannotHaveIsRefusedByName) {
  EXPECT_THAT(refusal(adapter(LoraInit::eva, 5)), HasSubstr("the rank 10"));
  EXPECT_THAT(refusal(adapter(LoraInit::lora_ga, 5)), HasSubstr("whose smaller side is 8"));
  EXPECT_EQ(adapt(adapter(LoraInit::corda, 5), kLayers).size(), 4u);

  Adapter biased = adapter(LoraInit::corda);
  biased.as<Lora>().lora_bias = true;
  EXPECT_THAT(refusal(biased), HasSubstr("adapter.lora_bias"));

  Adapter of_experts = adapter(LoraInit::eva);
  of_experts.targeting.target_modules = {Targets::Kind::names, {"experts.0.up_proj"}, {}};
  EXPECT_THAT(refusal(of_experts, {{.name = "layers.0.experts.0.up_proj", .out = 32, .in = 32, .is_expert = true}}),
              HasSubstr("eva, which is not supported for experts"));
  Adapter of_head = adapter(LoraInit::lora_ga);
  of_head.targeting.target_modules = {Targets::Kind::names, {"lm_head"}, {}};
  EXPECT_THAT(refusal(of_head, {{.name = "lm_head", .out = 32, .in = 32, .is_head = true}}), HasSubstr("the head"));
}

TEST(DataStarts, BaseAndOtherStart) {
  for (const LoraInit init : {LoraInit::corda, LoraInit::lora_ga}) {
    check_data_start(adapter(init), false);
    EXPECT_THAT(fixture::error_of(Fault::usage, [&] { check_data_start(adapter(init), true); }),
                HasSubstr("over a quantised base"));
  }
  check_data_start(adapter(LoraInit::eva), true);
  Adapter twice = adapter(LoraInit::eva);
  twice.init_from = "somewhere";
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { check_data_start(twice, false); }), HasSubstr("two starts"));
  Adapter plain = adapter(LoraInit::kaiming);
  plain.init_from = "somewhere";
  check_data_start(plain, true);
}

TEST(DataStarts, CostIsTold) {
  EXPECT_EQ(study_cost(adapter(LoraInit::pissa), kLayers).passes, 0);
  EXPECT_EQ(note_on_study(adapter(LoraInit::pissa)), "");

  const StudyCost gradients = study_cost(adapter(LoraInit::lora_ga), kLayers);
  EXPECT_EQ(gradients.passes, 8);
  EXPECT_TRUE(gradients.back);
  EXPECT_EQ(gradients.bytes, 4 * (2 * 32 * 32 + 2 * 8 * 32) + 4 * 32 * 32);

  // Covariances of 3.2 GB each: one at a time.
  const std::vector<LinearLayer> wide = {{"a.q_proj", 8, 28'000}, {"b.q_proj", 8, 28'000}};
  EXPECT_EQ(study_cost(adapter(LoraInit::corda), wide).passes, 2 * 256);
  EXPECT_THAT(note_on_study(adapter(LoraInit::corda)), HasSubstr("256 rows"));
}

}  // namespace
}  // namespace pst::methods
