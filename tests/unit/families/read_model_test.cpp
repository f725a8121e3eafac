// SPDX-License-Identifier: Apache-2.0
#include "families/read_model.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"
#include "support/errors.hpp"
#include "support/tiny_model.hpp"

namespace pst::families {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// The keys no config can do without, plus `more` ("key": value, ...).
std::string config_with(const std::string& more) {
  return cat(
      "{\n\"model_type\": \"llama\",\n\"vocab_size\": 100,\n\"hidden_size\": 12,\n\"intermediate_size\": 20,\n"
      "\"num_hidden_layers\": 2,\n\"num_attention_heads\": 6",
      more.empty() ? "" : ",\n", more, "\n}");
}

ModelSpec parse(const std::string& more) { return parse_model(config_with(more), "config.json"); }

TEST(ReadModel, DefaultsAreThoseOfLlamaConfig) {
  const ModelSpec config = parse("");

  EXPECT_EQ(config.layers[1].attention.key_value_heads, 6);
  EXPECT_EQ(config.layers[1].attention.head_dim, 2);
  EXPECT_EQ(config.positions, 2048);
  EXPECT_EQ(config.layers[1].mlp_norm->eps, 1e-6);
  EXPECT_EQ(config.ropes.at(0).theta, 10000);
  EXPECT_EQ(config.ropes.at(0).kind, "default");
  EXPECT_FALSE(config.tied_head || config.layers[0].attention.window);
  for (const auto& place : linears_of(config)) EXPECT_FALSE(place.spec->bias) << place.spec->name;
  EXPECT_TRUE(config.eos_token_ids.empty());
  EXPECT_FALSE(config.bos_token_id);
}

TEST(ReadModel, VersionFourAndFiveSpellTheSame) {
  const std::string scaling =
      R"("factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192)";
  for (const auto& spelling : {
           cat(R"("rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", )", scaling, "}"),
           cat(R"("rope_theta": 500000.0, "rope_scaling": {"type": "llama3", )", scaling, "}"),
           cat(R"("rope_parameters": {"rope_theta": 500000.0, "rope_type": "llama3", )", scaling, "}"),
           cat(R"("rope_theta": 500000, "rope_scaling": null, "rope_parameters": {"rope_type": "llama3", )", scaling,
               "}"),
       }) {
    SCOPED_TRACE(spelling);
    const ModelSpec config = parse(spelling);
    EXPECT_EQ(config.ropes.at(0).theta, 500000);
    EXPECT_EQ(config.ropes.at(0).described, "llama3 scaling by 32 from 8192 positions (low 1, high 4)");
  }
  for (const char* none : {R"("rope_scaling": null)", R"("rope_scaling": {"type": "default"})",
                           R"("rope_parameters": {"rope_type": "default"})"})
    EXPECT_EQ(parse(none).ropes.at(0).kind, "default") << none;
}

/// What transformers 5 computes, and no guess where transformers 4 computes another thing.
TEST(ReadModel, RotaryKeysInTwoPlaces) {
  const std::string llama3 = R"("rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,)"
                             R"( "original_max_position_embeddings": 64)";
  EXPECT_EQ(parse(R"("rope_scaling": {"rope_type": "default", "rope_theta": 5e5})").ropes.at(0).theta, 5e5);
  EXPECT_EQ(parse(cat(R"("rope_scaling": {"rope_theta": 5e5, )", llama3, "}")).ropes.at(0).theta, 5e5);
  EXPECT_EQ(parse(cat(R"("rope_theta": 5e5, "rope_scaling": {"rope_theta": 5e5, )", llama3, "}")).ropes.at(0).theta,
            5e5);
  EXPECT_EQ(parse(R"("rope_theta": 1e4, "rope_parameters": {"rope_theta": 5e5})").ropes.at(0).theta, 5e5);
  EXPECT_EQ(parse(R"("rope_scaling": {}, "rope_parameters": {"rope_theta": 5e5})").ropes.at(0).theta, 5e5);
  const std::string twice = cat("{", llama3, "}");
  EXPECT_EQ(parse(cat(R"("rope_scaling": )", twice, R"(, "rope_parameters": )", twice)).ropes.at(0).kind, "llama3");

  for (const auto& [more, message] : std::vector<std::pair<std::string, std::string>>{
           {R"("rope_theta": 1e4, "rope_scaling": {"rope_type": "default", "rope_theta": 5e5})",
            "'rope_scaling.rope_theta' is 5e+05, and outside of it the file says 10000"},
           {cat(R"("rope_scaling": )", twice, R"(, "rope_parameters": {"rope_theta": 5e5})"),
            "'rope_scaling' and 'rope_parameters' differ"},
           {R"("partial_rotary_factor": 0.5)", "1 of a head's 2 values would turn"},
           {cat(R"("original_max_position_embeddings": 32, "rope_scaling": )", twice),
            "'rope_scaling.original_max_position_embeddings' is 64, and outside of it the file says 32"}})
    EXPECT_THAT(fixture::error_of(Fault::data, [&, text = more] { parse(text); }), HasSubstr(message)) << more;
}

TEST(ReadModel, NullMeansDefaultAndExplicitHeadDimWins) {
  EXPECT_EQ(parse(R"("head_dim": null, "num_key_value_heads": null)").layers[0].attention.head_dim, 2);
  EXPECT_EQ(parse(R"("head_dim": 8)").layers[0].attention.head_dim, 8);
  EXPECT_EQ(parse(R"("num_key_value_heads": 3)").layers[0].attention.key_value_heads, 3);
}

TEST(ReadModel, EndTokensAreOneOrSeveral) {
  EXPECT_THAT(parse(R"("eos_token_id": 7)").eos_token_ids, ElementsAre(7));
  EXPECT_THAT(parse(R"("eos_token_id": [7, 99])").eos_token_ids, ElementsAre(7, 99));
  EXPECT_TRUE(parse(R"("eos_token_id": null)").eos_token_ids.empty());
  EXPECT_EQ(parse(R"("bos_token_id": 0)").bos_token_id, 0);
  EXPECT_FALSE(parse(R"("pad_token_id": -1)").pad_token_id);
}

TEST(ReadModel, RefusesWithTheReasonAndThePlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("head_dim": 3)", "config.json:8: 'head_dim' is 3; rotary"},
      {R"("head_dim": 0)", "whole number from 1"},
      {R"("head_dim": "8")", "whole number from 1"},
      {R"("num_key_value_heads": 4)", "does not divide the 6 attention heads"},
      {R"("num_key_value_heads": -3)", "whole number from 1"},
      {R"("hidden_act": "sine")", "'hidden_act' is \"sine\""},
      {R"("rms_norm_eps": 0)", "above 0"},
      {R"("rms_norm_eps": 1e999)", "not valid JSON"},
      {R"("rope_theta": "1e4")", "above 0"},
      {R"("rope_scaling": {"type": "spiral", "factor": 2})", "'rope_scaling.type' is \"spiral\""},
      {R"("rope_scaling": {"rope_type": "llama3", "factor": 8})", "'rope_scaling.low_freq_factor' is missing"},
      {R"("rope_scaling": {"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,"original_max_position_embeddings":64})",
       "above low_freq_factor"},
      {R"("rope_scaling": [1])", "must be an object"},
      {R"("rope_parameters": {"partial_rotary_factor": 0.5})", "1 of a head's 2 values would turn"},
      {R"("tie_word_embeddings": 1)", "true or false"},
      {R"("eos_token_id": 100)", "from 0 to 99"},
      {R"("eos_token_id": [1, -2])", "from 0 to 99"},
      {R"("eos_token_id": "2")", "from 0 to 99"},
      {R"("bos_token_id": 4294967297)", "from 0 to 99"},
      {R"("quantization_config": {"bits": 4})",
       "supported are NF4 of bitsandbytes, INT8 of bitsandbytes, FP8 of compressed-tensors"},
      {R"("quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]})",
       "is of the method \"fp8\""},
      {R"("quantization_config": {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": "8"}}}})",
       "with a scale per row or matrix"},
      {R"("attention_dropout": 0.1)", "dropout inside a frozen model"},
      {R"("hidden_size": 12)", "occurs twice"},
      {R"("x": )" + std::string(1000, '[') + std::string(1000, ']'), "more than 64 levels"},
      {R"("x": tru)", "config.json:8:9: not valid JSON"},
  };
  for (const auto& [more, message] : cases) {
    SCOPED_TRACE(more.substr(0, 100));
    EXPECT_THAT(fixture::error_of(Fault::data, [&, m = more] { parse(m); }), HasSubstr(message));
  }
}

TEST(ReadModel, RefusesWhatLacksASizeOrIsAnotherModel) {
  for (const char* key :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "model_type"}) {
    std::string text = config_with("");
    text.replace(text.find(key), 1, "X");
    EXPECT_THAT(fixture::error_of(Fault::data, [&] { parse_model(text, "c"); }),
                HasSubstr(cat("'", key, "' is missing")));
  }
  std::string other = config_with("");
  other.replace(other.find("\"llama\""), 7, "\"mamba\"");
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { parse_model(other, "c"); }),
              HasSubstr("c:2: 'model_type' is \"mamba\", whose layers have Mamba layers"));
  EXPECT_THAT(fixture::error_of(Fault::data, [] { parse_model("[1]", "c"); }),
              HasSubstr("does not hold a JSON object"));
  EXPECT_THAT(fixture::error_of(Fault::data, [] { parse_model(std::string("{}\n\0x", 5), "c"); }),
              HasSubstr("c:2:1: not valid JSON: a NUL"));
  EXPECT_THAT(fixture::error_of(Fault::data, [] { parse_model("", "c"); }), HasSubstr("c:1:1: not valid JSON"));
  std::string layers = config_with("");
  layers.replace(layers.find("layers\": 2"), 10, "layers\": 9999999999");
  EXPECT_THAT(fixture::error_of(Fault::data, [&] { parse_model(layers, "c"); }), HasSubstr("from 1 to 10000"));
}

TEST(TensorsOf, FollowTheConfig) {
  const auto plain = tensors_of(parse(R"("num_key_value_heads": 3, "tie_word_embeddings": true)"));
  const auto full = tensors_of(parse(R"("attention_bias": true, "mlp_bias": true, "head_dim": 4)"));

  EXPECT_EQ(plain.size(), 2u + 2 * 9);
  EXPECT_EQ(full.size(), 3u + 2 * (9 + 7));
  const auto shape = [](const std::vector<TensorSpec>& specs, const std::string& name) {
    for (const auto& spec : specs)
      if (spec.name == name) return spec.shape;
    return std::vector<std::int64_t>{-1};
  };
  EXPECT_THAT(shape(plain, "model.layers.1.self_attn.k_proj.weight"), ElementsAre(6, 12));
  EXPECT_THAT(shape(plain, "lm_head.weight"), ElementsAre(-1));
  EXPECT_THAT(shape(full, "lm_head.weight"), ElementsAre(100, 12));
  EXPECT_THAT(shape(full, "model.layers.0.self_attn.q_proj.weight"), ElementsAre(24, 12));
  EXPECT_THAT(shape(full, "model.layers.0.self_attn.o_proj.weight"), ElementsAre(12, 24));
  EXPECT_THAT(shape(full, "model.layers.0.mlp.down_proj.bias"), ElementsAre(12));
}

}  // namespace
}  // namespace pst::families
