// SPDX-License-Identifier: Apache-2.0
#include "methods/biases.hpp"

#include <gmock/gmock.h>

#include "config/parse_yaml.hpp"
#include "config/reader.hpp"
#include "methods/start.hpp"
#include "support/errors.hpp"

namespace pst::methods {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Adapter section(const std::string& text) {
  Adapter adapter;
  config::Problems problems;
  config::read(config::parse_yaml(text, "recipe.yaml", problems), adapter, problems);
  problems.throw_if_any();
  return adapter;
}

Places model() {
  Places places = std::vector<LinearLayer>{
      {.name = "model.layers.0.self_attn.q_proj", .out = 12, .in = 10, .bias = true},
      {.name = "model.layers.0.self_attn.k_proj", .out = 6, .in = 10, .bias = true},
      {.name = "model.layers.0.self_attn.o_proj", .out = 10, .in = 12},
      {.name = "model.layers.0.mlp.experts.0.up_proj", .out = 9, .in = 10, .is_expert = true, .bias = true}};
  places.norms = {{"model.layers.0.input_layernorm", 10, true}, {"model.norm", 10, false}};
  return places;
}

std::vector<std::string> names(const std::string& text, const Places& places = model()) {
  const Adapter adapter = section(text);
  std::vector<std::string> all;
  for (const TrainedBias& bias : trained_biases(adapter, places, adapt(adapter, places.linears)))
    all.push_back(bias.name);
  return all;
}

TEST(Biases, HaveTheNamesThatPeftsWrappersGiveThem) {
  const std::string of = "{type: lora, r: 2, target_modules: [q_proj], bias: ";
  EXPECT_THAT(names(of + "none}"), IsEmpty());
  EXPECT_THAT(names(of + "lora_only}"), ElementsAre("model.layers.0.self_attn.q_proj.base_layer.bias"));
  EXPECT_THAT(names(of + "all}"),
              ElementsAre("model.layers.0.self_attn.q_proj.base_layer.bias", "model.layers.0.self_attn.k_proj.bias",
                          "model.layers.0.input_layernorm.bias"));
  EXPECT_THAT(names("{type: miss, r: 2, target_modules: [k_proj], bias: MiSS_only}"),
              ElementsAre("model.layers.0.self_attn.k_proj.base_layer.bias"));
}

TEST(Biases, OfAnotherMethodAreRefused) {
  EXPECT_THAT(fixture::error_of(Fault::usage, [] { section("{type: oft, bias: lora_only}"); }),
              HasSubstr("bias is lora_only; it must be none, all or oft_only"));
  EXPECT_THAT(fixture::error_of(Fault::usage, [] { section("{type: ia3, bias: all}"); }), HasSubstr("unknown key"));
}

TEST(Biases, ThatAreTrainedInAnotherWayAreRefused) {
  const auto refusal = [](const std::string& more) {
    return fixture::error_of(Fault::usage,
                             [&] { names("{type: lora, r: 2, target_modules: [o_proj], bias: all, " + more + "}"); });
  };
  EXPECT_THAT(refusal("modules_to_save: [k_proj]"),
              HasSubstr("adapter.bias and adapter.modules_to_save both train model.layers.0.self_attn.k_proj"));
  EXPECT_THAT(names("{type: lora, r: 2, target_modules: [q_proj], bias: lora_only, modules_to_save: [k_proj]}"),
              ElementsAre("model.layers.0.self_attn.q_proj.base_layer.bias"));
}

TEST(Biases, ThatAreNotThereAreRefusedInARecipeAlone) {
  const auto refusal = [](const std::string& text, const Places& places) {
    return fixture::error_of(Fault::usage, [&] { require_biases(section(text), places); });
  };
  const std::string only = "{type: lora, r: 2, target_modules: [o_proj], bias: lora_only}";
  EXPECT_THAT(refusal(only, model()), HasSubstr("adapter.bias is lora_only, and no layer that is adapted has a bias"));
  EXPECT_THAT(names(only), IsEmpty()) << "PEFT's files may say so";
  Places router = model();
  router.other_biases = {"model.layers.0.mlp.router.bias"};
  EXPECT_THAT(refusal("{type: lora, r: 2, target_modules: [q_proj], bias: all}", router),
              HasSubstr("model.layers.0.mlp.router.bias cannot be trained here"));
  EXPECT_NO_THROW(require_biases(section("{type: lora, r: 2, target_modules: [q_proj], bias: lora_only}"), router));
}

TEST(Biases, OfTheAdapterToStartFromAreTheRecipes) {
  const Adapter stored = section("{type: lora, bias: all}"), wanted = section("{type: lora}");
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { require_start(stored, wanted); }),
              HasSubstr("the adapter to start from has bias all, the recipe says none"));
}

}  // namespace
}  // namespace pst::methods
