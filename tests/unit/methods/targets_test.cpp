// SPDX-License-Identifier: Apache-2.0
#include "recipe/targets.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "families/read_model.hpp"
#include "recipe/pattern.hpp"

namespace pst::recipe {
namespace {

const std::vector<LayerName> kLayers = linear_layers(families::parse_model(
    R"({"model_type": "llama", "vocab_size": 10, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 3,
        "num_attention_heads": 2})",
    "config.json"));

std::vector<std::string> names(const std::vector<AdaptedLayer>& chosen) {
  std::vector<std::string> out;
  for (const auto& layer : chosen) out.push_back(kLayers[layer.index].name);
  return out;
}

Adapter with(Targets targets) {
  Adapter adapter;
  adapter.target_modules = std::move(targets);
  return adapter;
}

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

TEST(SelectLayers, ExclusionsLayersAndPatternsOfSizes) {
  Adapter adapter;
  adapter.exclude_modules = {"down_proj"};
  adapter.layers_to_transform = {1};
  adapter.rank_pattern = {{"q_proj", 4}};
  adapter.alpha_pattern = {{"layers.1.self_attn.k_proj", 7}};
  const auto chosen = select_layers(adapter, kLayers);
  ASSERT_EQ(chosen.size(), 6u);
  EXPECT_EQ(chosen[0].r, 4);
  EXPECT_EQ(chosen[1].r, 16);
  EXPECT_EQ(chosen[1].alpha, 7);
}

TEST(Pattern, MistakesAndEndlessMatchesAreErrors) {
  EXPECT_THROW(Pattern("adapter.x", "(("), Error);
  EXPECT_THROW((void)Pattern("adapter.x", "(a+)+[bc]").matches_all(std::string(60, 'a')), Error);
}

}  // namespace
}  // namespace pst::recipe
