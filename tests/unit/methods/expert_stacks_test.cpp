// SPDX-License-Identifier: Apache-2.0
// LoRA of parameters that hold all experts of a layer.
#include "methods/expert_stacks.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/strings.hpp"
#include "methods/method.hpp"
#include "methods/peft_config.hpp"
#include "support/adapters.hpp"
#include "support/errors.hpp"
#include "support/temporary_directory.hpp"

namespace pst::methods {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kExperts = 3, kHidden = 8, kInner = 6;

/// Two decoder layers: queries, and three experts each.
std::vector<LinearLayer> mixture() {
  std::vector<LinearLayer> layers;
  for (int i = 0; i < 2; ++i) {
    const std::string prefix = cat("model.layers.", i, ".");
    layers.push_back({.name = prefix + "self_attn.q_proj", .out = kHidden, .in = kHidden});
    for (std::int64_t e = 0; e < kExperts; ++e) {
      const auto add = [&](const char* name, const char* parameter, std::int64_t out, std::int64_t in,
                           std::int64_t rows, std::int64_t first) {
        layers.push_back({.name = cat(prefix, "mlp.experts.", e, ".", name),
                          .out = out,
                          .in = in,
                          .is_expert = true,
                          .stack = weights::StackPlace{.module = prefix + "mlp.experts",
                                                       .parameter = parameter,
                                                       .experts = kExperts,
                                                       .rows = rows,
                                                       .expert = e,
                                                       .first = first}});
      };
      add("gate_proj", "gate_up_proj", kInner, kHidden, 2 * kInner, 0);
      add("up_proj", "gate_up_proj", kInner, kHidden, 2 * kInner, kInner);
      add("down_proj", "down_proj", kHidden, kInner, kHidden, 0);
    }
  }
  layers.push_back({.name = "lm_head", .out = 20, .in = kHidden, .is_head = true});
  return layers;
}
const std::vector<LinearLayer> kLayers = mixture();

Adapter of_experts(std::vector<std::string> parameters, Lora keys = {.r = 2}) {
  Adapter adapter = fixture::lora(std::move(keys), fixture::named({}));
  adapter.targeting.target_parameters = std::move(parameters);
  return adapter;
}

std::vector<std::string> tensors(const Adapter& adapter) {
  std::vector<std::string> texts;
  for (const AdapterTensor& tensor : tensors_of(adapter, kLayers))
    texts.push_back(cat(tensor.name.substr(std::string_view("base_model.model.").size()), " ", tensor.shape[0], "x",
                        tensor.shape[1], " in ", tensor.parts));
  return texts;
}

TEST(Stacks, HaveOneAAndBForAllExpertsUnderPeftsNames) {
  EXPECT_THAT(tensors(of_experts({"mlp.experts.gate_up_proj", "mlp.experts.down_proj"},
                                 {.r = 2, .rank_pattern = {{"down_proj", 3}}})),
              ElementsAre("model.layers.0.mlp.experts.base_layer.lora_A.weight 6x8 in 3",
                          "model.layers.0.mlp.experts.base_layer.lora_B.weight 12x6 in 6",
                          "model.layers.0.mlp.experts.lora_A.weight 9x6 in 3",
                          "model.layers.0.mlp.experts.lora_B.weight 8x9 in 3",
                          "model.layers.1.mlp.experts.base_layer.lora_A.weight 6x8 in 3",
                          "model.layers.1.mlp.experts.base_layer.lora_B.weight 12x6 in 6",
                          "model.layers.1.mlp.experts.lora_A.weight 9x6 in 3",
                          "model.layers.1.mlp.experts.lora_B.weight 8x9 in 3"));
  // One alone is not wrapped by another; a whole name means one layer.
  EXPECT_THAT(tensors(of_experts({"model.layers.1.mlp.experts.gate_up_proj"})),
              ElementsAre("model.layers.1.mlp.experts.lora_A.weight 6x8 in 3",
                          "model.layers.1.mlp.experts.lora_B.weight 12x6 in 6"));
}

TEST(Stacks, AreAdaptedBesideModules) {
  Adapter adapter = of_experts({"down_proj"});
  adapter.targeting.target_modules = fixture::named({"q_proj"});
  EXPECT_EQ(tensors(adapter).size(), 2u * (2 + 2));
  adapter.targeting.target_modules = {};
  EXPECT_EQ(tensors(adapter).size(), 2u * (2 + 2)) << "all-linear means no experts";
}

TEST(Stacks, EveryExpertCountsAsALayer) {
  const auto adapted = adapt(of_experts({"gate_up_proj"}, {.r = 2, .alpha = 5}), kLayers);
  ASSERT_EQ(adapted.size(), 2u * 2 * kExperts);
  for (const Adapted& of : adapted) {
    EXPECT_EQ(of.rank, 2);
    EXPECT_EQ(of.scale, 2.5);
  }
}

TEST(Stacks, RefuseWhatPeftHasForModulesOnly) {
  const auto refusal = [](const Adapter& adapter) {
    return fixture::error_of(Fault::usage, [&] { adapt(adapter, kLayers); });
  };
  const std::vector<std::string> both = {"mlp.experts.gate_up_proj", "mlp.experts.down_proj"};
  EXPECT_THAT(refusal(of_experts(both, {.r = 2, .dropout = 0.1})), HasSubstr("adapter.dropout: 0.1, as in PEFT"));
  EXPECT_THAT(refusal(of_experts(both, {.r = 2, .use_dora = true})), HasSubstr("adapter.use_dora"));
  EXPECT_THAT(refusal(of_experts(both, {.r = 2, .lora_bias = true})), HasSubstr("adapter.lora_bias"));
  EXPECT_THAT(refusal(of_experts(both, {.r = 2, .init_lora_weights = LoraInit::pissa})), HasSubstr("true or gaussian"));
  EXPECT_THAT(refusal(of_experts(both, {.r = 7})), HasSubstr("rank 7 exceeds the smaller side of "
                                                             "model.layers.0.mlp.experts.down_proj, 6"));
  EXPECT_THAT(refusal(of_experts({"experts.up_proj"})),
              testing::AllOf(HasSubstr("names \"experts.up_proj\""),
                             HasSubstr("this model has mlp.experts.down_proj, mlp.experts.gate_up_proj")));
  Adapter twice = of_experts({"down_proj"});
  twice.targeting.target_modules = fixture::named({"experts.1.down_proj"});
  EXPECT_THAT(refusal(twice), HasSubstr("means model.layers.0.mlp.experts.1.down_proj, a part of"));
  const Adapter of_none = of_experts({"down_proj"});
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { adapt(of_none, {{.name = "a.q_proj", .out = 4, .in = 4}}); }),
              HasSubstr("this model has no experts"));
}

TEST(Stacks, AreWrittenAndReadAsPeftDoes) {
  const Adapter adapter = of_experts({"mlp.experts.gate_up_proj"});
  const fixture::TemporaryDirectory dir;
  auto config = json::parse(peft_config_text(adapter, {}, "m"), "config");
  EXPECT_EQ(config["target_modules"], json::Value::array());
  EXPECT_EQ(config["target_parameters"], json::Value::array({"mlp.experts.gate_up_proj"}));
  for (const bool null : {false, true}) {
    if (null) config["target_modules"] = nullptr;
    write_durably(dir / "adapter_config.json", config.dump());
    const Adapter read = read_peft_config(dir.path());
    EXPECT_EQ(tensors(read), tensors(adapter));
  }
  Adapter other = of_experts({"mlp.experts.down_proj"});
  EXPECT_THAT(fixture::error_of(Fault::usage, [&] { adapter.method->check_start(adapter, other); }),
              HasSubstr("write adapter.target_parameters: [mlp.experts.gate_up_proj]"));
}

}  // namespace
}  // namespace pst::methods
