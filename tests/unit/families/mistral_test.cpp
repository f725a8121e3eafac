// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/strings.hpp"
#include "families/read_model.hpp"

namespace pst::families {
namespace {

ModelSpec parse(const std::string& more) {
  return parse_model(cat(R"({"model_type": "mistral", "vocab_size": 100, "hidden_size": 64, "intermediate_size": 20,
                             "num_hidden_layers": 2, "num_attention_heads": 16)",
                         more, "}"),
                     "config.json");
}

TEST(Mistral, AbsentKeysAreThoseOfMistralConfig) {
  const ModelSpec model = parse("");

  EXPECT_EQ(model.layers[1].attention.window, 4096);
  EXPECT_EQ(model.layers[1].attention.key_value_heads, 8);
  EXPECT_EQ(model.layers[1].attention.head_dim, 4);
  EXPECT_EQ(model.positions, 131072);
  for (const auto& place : linears_of(model)) EXPECT_FALSE(place.spec->bias) << place.spec->name;
}

TEST(Mistral, ANullWindowIsNoWindow) {
  EXPECT_FALSE(parse(R"(, "sliding_window": null)").layers[0].attention.window);
  EXPECT_EQ(parse(R"(, "sliding_window": 32)").layers[0].attention.window, 32);
}

TEST(Mistral, AttentionGoesByTheWindow) {
  const ModelSpec model = parse(R"(, "sliding_window": 32)");
  EXPECT_EQ(attention_pairs(model, 32), 32 * 32);
  EXPECT_EQ(attention_pairs(model, 100), 2 * 100 * 32 - 32 * 32);
  EXPECT_EQ(attention_pairs(parse(R"(, "sliding_window": null)"), 100), 100 * 100);
}

}  // namespace
}  // namespace pst::families
