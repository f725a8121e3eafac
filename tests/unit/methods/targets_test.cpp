// SPDX-License-Identifier: Apache-2.0
#include "methods/targets.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "support/adapters.hpp"

namespace pst::methods {
namespace {

/// Three decoder layers and a head.
std::vector<LinearLayer> three_layers() {
  std::vector<LinearLayer> layers;
  for (int i = 0; i < 3; ++i)
    for (const char* const name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                                   "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
      layers.push_back({cat("model.layers.", i, ".", name), 32, 32, false});
  layers.push_back({"lm_head", 100, 32, true});
  return layers;
}
const std::vector<LinearLayer> kLayers = three_layers();

std::vector<std::string> names(const std::vector<std::size_t>& chosen) {
  std::vector<std::string> out;
  for (const std::size_t layer : chosen) out.push_back(kLayers[layer].name);
  return out;
}

Targeting with(Targets targets) { return {.target_modules = std::move(targets)}; }

TEST(SelectLayers, AllLinearLeavesTheHeadOut) { EXPECT_EQ(select_layers(with({}), kLayers).size(), 21u); }

TEST(SelectLayers, NamesAreWholeEndingsAfterADot) {
  const auto chosen = select_layers(with({Targets::Kind::names, {"q_proj", "lm_head"}, {}}), kLayers);
  EXPECT_THAT(names(chosen), testing::ElementsAre("model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj",
                                                  "model.layers.2.self_attn.q_proj", "lm_head"));
  EXPECT_THROW(select_layers(with({Targets::Kind::names, {"proj"}, {}}), kLayers), Error);
}

TEST(SelectLayers, APatternHasToMatchTheWholeName) {
  const auto chosen =
      select_layers(with({Targets::Kind::pattern, {}, R"(model\.layers\.[01]\..*\.(k|v)_proj)"}), kLayers);
  EXPECT_EQ(chosen.size(), 4u);
  EXPECT_THROW(select_layers(with({Targets::Kind::pattern, {}, "q_proj"}), kLayers), Error);
}

TEST(Adapt, ExclusionsLayersAndPatternsOfSizes) {
  Adapter adapter =
      fixture::lora({.rank_pattern = {{"q_proj", 4}}, .alpha_pattern = {{"layers.1.self_attn.k_proj", 7}}});
  adapter.targeting.exclude_modules = {"down_proj"};
  adapter.targeting.layers_to_transform = {1};

  const auto chosen = adapt(adapter, kLayers);

  ASSERT_EQ(chosen.size(), 6u);
  EXPECT_EQ(chosen[0].rank, 4);
  EXPECT_EQ(chosen[0].tensors[1].shape, (std::vector<std::int64_t>{32, 4}));
  EXPECT_EQ(chosen[1].rank, 16);
  EXPECT_EQ(chosen[1].scale, 7.0 / 16);
}

TEST(Adapt, RefusesARankAboveALayersSmallerSide) { EXPECT_THROW(adapt(fixture::lora({.r = 33}), kLayers), Error); }

TEST(Pattern, MistakesAndEndlessMatchesAreErrors) {
  EXPECT_THROW(Pattern("adapter.x", "(("), Error);
  EXPECT_THROW((void)Pattern("adapter.x", "(a+)+[bc]").matches_all(std::string(60, 'a')), Error);
}

}  // namespace
}  // namespace pst::methods
