// SPDX-License-Identifier: Apache-2.0
// Keys that published files lack, or have beside those that count.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "source_tree.hpp"

namespace pst::families {
namespace {

ModelSpec published(const char* model) {
  const fs::path file = fs::path(PST_SOURCE_DIR) / "tests/fixtures/configs" / cat(model, ".json");
  return parse_model(read_file(file), file.string());
}

/// text_config says only what differs from Gemma3TextConfig.
TEST(PublishedConfigs, Gemma3LeavesSizesOut) {
  const ModelSpec model = published("gemma-3-4b-it");

  EXPECT_EQ(model.vocabulary, 262208);
  EXPECT_EQ(model.layers[0].attention.query_heads, 8);
  EXPECT_EQ(model.layers[0].attention.key_value_heads, 4);
  EXPECT_EQ(model.layers[0].attention.window, 1024);
  EXPECT_FALSE(model.layers[5].attention.window);
}

TEST(PublishedConfigs, Phi4MiniSaysMoreThanCounts) {
  const ModelSpec model = published("phi-4-mini-instruct");

  EXPECT_TRUE(model.tied_head);
  EXPECT_EQ(model.ropes.at(0).dim, 96);
}

TEST(PublishedConfigs, Qwen3WithExpertsHasAWindowThatIsOff) {
  EXPECT_FALSE(published("qwen3-30b-a3b").layers[47].attention.window);
}

TEST(PublishedConfigs, Qwen35SaysWhatItsLayersAreAnyway) {
  const ModelSpec model = published("qwen3.5-4b");

  EXPECT_TRUE(model.tied_head);
  EXPECT_TRUE(model.layers[0].delta && !model.layers[3].delta);
  EXPECT_TRUE(model.layers[3].attention.gated);
  EXPECT_EQ(model.ropes.at(0).dim, 64);
}

TEST(PublishedConfigs, LastLayersOfGemma4E2bReadKeysOfEarlierOnes) {
  const ModelSpec model = published("gemma-4-e2b-it");

  EXPECT_EQ(model.layers[15].attention.borrows, 13);
  EXPECT_EQ(model.layers[34].attention.borrows, 14);
  EXPECT_TRUE(model.layers[13].attention.lends && model.layers[14].attention.lends);
  EXPECT_FALSE(model.layers[12].attention.lends);
  EXPECT_EQ(model.layers[15].attention.inputs.size(), 1u);
  EXPECT_EQ(model.layers[14].mlp.inner, 6144);
  EXPECT_EQ(model.layers[15].mlp.inner, 2 * 6144);
  EXPECT_EQ(model.token_vectors->name, "model.language_model.embed_tokens_per_layer");
  EXPECT_EQ(model.layers[0].token_gate->gate.name, "model.language_model.layers.0.per_layer_input_gate");
  const auto& aside = model.left_aside;
  EXPECT_NE(std::find(aside.begin(), aside.end(), "model.language_model.layers.15.self_attn.k_proj."), aside.end());
}

TEST(PublishedConfigs, ExpertsOfGemma4ReadTheStream) {
  const ModelSpec model = published("gemma-4-26b-a4b-it");
  const MoeSpec& moe = *model.layers[29].moe;

  EXPECT_EQ(moe.experts.size(), 128u);
  EXPECT_EQ(moe.chosen, 8);
  EXPECT_EQ(moe.router_norm->name, "model.language_model.layers.29.router.scale");
  EXPECT_TRUE(moe.experts_norm && moe.experts_out_norm && moe.shared_out_norm);
  EXPECT_TRUE(model.layers[29].attention.values_are_keys);
  EXPECT_FALSE(model.token_vectors);
}

/// Two codes lie in a byte, and 32 of them share an exponent.
TEST(PublishedConfigs, PackedExpertsCountAsValues) {
  EXPECT_EQ(value_count(published("gpt-oss-20b")), 20'914'757'184);
  EXPECT_EQ(value_count(published("gpt-oss-120b")), 116'829'156'672);
}

}  // namespace
}  // namespace pst::families
