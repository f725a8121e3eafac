// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <algorithm>

#include "core/strings.hpp"
#include "families/read_model.hpp"
#include "support/errors.hpp"

namespace pst::families {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelSpec parse(const std::string& more) {
  return parse_model(cat(R"({"model_type": "exaone", "vocab_size": 100, "hidden_size": 64, "num_layers": 2,
                             "num_attention_heads": 8, "num_key_value_heads": 2)",
                         more, "}"),
                     "config.json");
}

/// @see LG AI Research's modeling_exaone.py
TEST(Exaone, HasTheNamesOfItsFiles) {
  std::vector<std::string> names;
  for (const TensorSpec& tensor : tensors_of(parse(R"(, "tie_word_embeddings": false)")))
    if (tensor.name.find(".h.1.") == std::string::npos) names.push_back(tensor.name);
  std::sort(names.begin(), names.end());

  EXPECT_THAT(
      names, ElementsAre("lm_head.weight", "transformer.h.0.attn.attention.k_proj.weight",
                         "transformer.h.0.attn.attention.out_proj.weight",
                         "transformer.h.0.attn.attention.q_proj.weight", "transformer.h.0.attn.attention.v_proj.weight",
                         "transformer.h.0.ln_1.weight", "transformer.h.0.ln_2.weight",
                         "transformer.h.0.mlp.c_fc_0.weight", "transformer.h.0.mlp.c_fc_1.weight",
                         "transformer.h.0.mlp.c_proj.weight", "transformer.ln_f.weight", "transformer.wte.weight"));
}

TEST(Exaone, TheFirstOfTheTwoIsTheGate) {
  const MlpSpec mlp = parse("").layers[0].mlp;

  ASSERT_EQ(mlp.inputs.size(), 2u);
  EXPECT_EQ(mlp.inputs[0].name, "transformer.h.0.mlp.c_fc_0");  // read_decoder: gate, then up
  EXPECT_TRUE(mlp.gated);
  EXPECT_EQ(mlp.act, kernels::Act::silu);
}

TEST(Exaone, AbsentKeysAreThoseOfItsConfig) {
  const ModelSpec model = parse("");

  EXPECT_EQ(model.layers[1].mlp.inner, 4 * 64);
  EXPECT_EQ(model.layers[1].mlp_norm->eps, 1e-5);
  EXPECT_EQ(model.positions, 2048);
  EXPECT_TRUE(model.tied_head);
  EXPECT_EQ(model.layers[1].attention.head_dim, 8);
  for (const auto& place : linears_of(model)) EXPECT_FALSE(place.spec->bias) << place.spec->name;
  EXPECT_THAT(fixture::error_of(Fault::data, [] { parse(R"(, "embed_dropout": 0.1)"); }),
              HasSubstr("'embed_dropout' is not 0"));
}

}  // namespace
}  // namespace pst::families
