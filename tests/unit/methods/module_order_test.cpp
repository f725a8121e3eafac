// SPDX-License-Identifier: Apache-2.0
#include "methods/module_order.hpp"

#include <gmock/gmock.h>

#include "core/strings.hpp"

namespace pst::methods {
namespace {

using ::testing::ElementsAre;

/// Names in the order of transformers' modules, of layers that are listed in ours.
std::vector<std::string> ordered(const std::vector<std::string>& names) {
  std::vector<LinearLayer> layers;
  std::vector<Adapted> adapted;
  for (const std::string& name : names) {
    adapted.push_back({.layer = layers.size(), .tensors = {}});
    layers.push_back({.name = name, .out = 4, .in = 4});
  }
  std::vector<std::string> result;
  for (const std::size_t i : in_module_order(layers, adapted)) result.push_back(names[i]);
  return result;
}

// As `named_modules()` of transformers 5.23 lists them.
TEST(ModuleOrder, IsOursForMostFamilies) {
  EXPECT_THAT(ordered({"model.layers.2.self_attn.o_proj", "model.layers.10.self_attn.q_proj", "lm_head"}),
              ElementsAre("model.layers.2.self_attn.o_proj", "model.layers.10.self_attn.q_proj", "lm_head"));
}

TEST(ModuleOrder, HasTheOutputFirstInPhi3AndQwen35) {
  EXPECT_THAT(
      ordered({"model.layers.0.self_attn.qkv_proj", "model.layers.0.self_attn.o_proj", "model.layers.0.mlp.down_proj",
               "model.layers.1.self_attn.qkv_proj", "model.layers.1.self_attn.o_proj"}),
      ElementsAre("model.layers.0.self_attn.o_proj", "model.layers.0.self_attn.qkv_proj",
                  "model.layers.0.mlp.down_proj", "model.layers.1.self_attn.o_proj",
                  "model.layers.1.self_attn.qkv_proj"));
  EXPECT_THAT(ordered({"model.layers.0.linear_attn.in_proj_z", "model.layers.0.linear_attn.out_proj"}),
              ElementsAre("model.layers.0.linear_attn.out_proj", "model.layers.0.linear_attn.in_proj_z"));
}

TEST(ModuleOrder, HasTheMlpFirstInGraniteHybrids) {
  EXPECT_THAT(ordered({"model.layers.0.self_attn.q_proj", "model.layers.0.shared_mlp.input_linear",
                       "model.layers.0.shared_mlp.output_linear"}),
              ElementsAre("model.layers.0.shared_mlp.input_linear", "model.layers.0.shared_mlp.output_linear",
                          "model.layers.0.self_attn.q_proj"));
}

TEST(ModuleOrder, HasQueriesThirdAndProjectionsBeforeTheLayersInOpt) {
  const std::string layer = "model.decoder.layers.0.self_attn.";
  EXPECT_THAT(ordered({cat(layer, "q_proj"), cat(layer, "k_proj"), cat(layer, "v_proj"), cat(layer, "out_proj"),
                       "model.decoder.project_in", "model.decoder.project_out"}),
              ElementsAre("model.decoder.project_out", "model.decoder.project_in", cat(layer, "k_proj"),
                          cat(layer, "v_proj"), cat(layer, "q_proj"), cat(layer, "out_proj")));
}

}  // namespace
}  // namespace pst::methods
