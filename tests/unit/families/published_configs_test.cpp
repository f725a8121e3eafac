// SPDX-License-Identifier: Apache-2.0
// Keys that published files lack, or have beside those that count.
#include <gtest/gtest.h>

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

/// Two codes lie in a byte, and 32 of them share an exponent.
TEST(PublishedConfigs, PackedExpertsCountAsValues) {
  EXPECT_EQ(value_count(published("gpt-oss-20b")), 20'914'757'184);
  EXPECT_EQ(value_count(published("gpt-oss-120b")), 116'829'156'672);
}

}  // namespace
}  // namespace pst::families
