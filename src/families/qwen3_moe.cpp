// SPDX-License-Identifier: Apache-2.0
// Qwen 3 with a mixture of experts.
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/moe_config.hpp"
#include "families/qwen_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Qwen3MoeConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model = read_decoder(config, {.absent = {.positions = 32768, .key_value_heads = 4, .inner = 6144},
                                          .attention_bias = bias,
                                          .output_bias = bias});
  read_balance(config, model);
  const std::int64_t experts = read_expert_count(config, 128), chosen = read_chosen(config, experts, 8);
  const std::int64_t inner = config.size("moe_intermediate_size").value_or(768);
  const bool normalised = config.flag("norm_topk_prob");
  const auto sparse = read_sparse_layers(config, model.layers.size());
  config.find("max_window_layers");  // in the published files; the window is of all layers
  std::optional<std::int64_t> window;
  if (config.flag("use_sliding_window")) window = config.size("sliding_window").value_or(4096);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    layer.attention.window = window;
    add_head_norms(layer, layer_prefix(i), model.final_norm->eps);
    if (!sparse[i]) continue;
    MoeSpec moe{.chosen = chosen, .inner = inner, .normalised = normalised, .act = layer.mlp.act};
    add_experts(moe, layer_prefix(i) + "mlp.experts.", experts, model.hidden);
    add_router(moe, layer_prefix(i) + "mlp.gate", model.hidden);
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
  return model;
}

constexpr std::array<GgufPart, 12> kParts = {
    kGgufAttentionNorm, kGgufQ,       kGgufK,      kGgufV,          kGgufO,        kGgufQNorm,
    kGgufKNorm,         kGgufMlpNorm, kGgufRouter, kGgufExpertGate, kGgufExpertUp, kGgufExpertDown};
constexpr std::array<GgufKey, 4> kKeys = {
    {{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
     {"num_experts", GgufKey::Kind::size, "expert_count"},
     {"num_experts_per_tok", GgufKey::Kind::size, "expert_used_count"},
     {"moe_intermediate_size", GgufKey::Kind::size, "expert_feed_forward_length"}}};
constexpr GgufNames kGguf{
    .architecture = "qwen3moe",
    .layer_parts = kParts,
    .more = kKeys,
    .fixed = R"({"hidden_act": "silu", "norm_topk_prob": true, "decoder_sparse_step": 1, "mlp_only_layers": [],)"
             R"( "use_sliding_window": false})"};

}  // namespace

extern const Family kQwen3Moe;
const Family kQwen3Moe{"qwen3_moe", "Qwen3MoeForCausalLM", &read, &kGguf};

}  // namespace pst::families
