// SPDX-License-Identifier: Apache-2.0
// SmolLM3: every fourth layer has no rotary positions.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/qwen_config.hpp"

namespace pst::families {
namespace {

/// @see transformers SmolLM3Config: `no_rope_layers` has a 1 for each layer that turns
std::vector<bool> read_turning(const json::Object& config, std::size_t layers) {
  const std::size_t interval = static_cast<std::size_t>(config.size("no_rope_layer_interval").value_or(4));
  std::vector<bool> turning;
  if (const auto listed = config.get("no_rope_layers")) {
    for (const auto one : listed->wholes(0, 1)) turning.push_back(one == 1);
    if (turning.size() != layers)
      config.refuse("no_rope_layers", cat("has ", turning.size(), " entries for ", layers, " layers"));
    return turning;
  }
  for (std::size_t i = 0; i < layers; ++i) turning.push_back((i + 1) % interval != 0);
  return turning;
}

ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model =
      read_decoder(config, {.absent = {.positions = 32768, .key_value_heads = 4, .theta = 2e6, .tied = true},
                            .attention_bias = bias,
                            .output_bias = bias,
                            .mlp_bias = config.flag("mlp_bias")});
  const auto turning = read_turning(config, model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (!turning[i]) model.layers[i].attention.rope.reset();
  read_qwen_windows(config, model);
  return model;
}

constexpr std::array<GgufKey, 2> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"mlp_bias", GgufKey::Kind::tensor, "blk.0.ffn_gate.bias"}}};
constexpr GgufNames kGguf{
    .architecture = "smollm3",
    .layer_parts = kGgufTurnedParts,
    .more = kKeys,
    .fixed = R"({"hidden_act": "silu", "no_rope_layer_interval": 4, "use_sliding_window": false})"};

}  // namespace

extern const Family kSmollm3;
const Family kSmollm3{"smollm3", "SmolLM3ForCausalLM", &read, &kGguf};

}  // namespace pst::families
