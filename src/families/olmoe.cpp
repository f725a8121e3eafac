// SPDX-License-Identifier: Apache-2.0
// OLMoE: experts, and norms over all heads at once.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// @see transformers OlmoeConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model =
      read_decoder(config, {.absent = {.positions = 4096, .eps = 1e-5}, .attention_bias = bias, .output_bias = bias});
  read_balance(config, model, 0.01);
  if (config.positive("clip_qkv"))
    config.refuse("clip_qkv", "is set; cutting queries, keys and values is not supported");
  const std::int64_t experts = read_expert_count(config, 64), chosen = read_chosen(config, experts, 8);
  const bool normalised = config.flag("norm_topk_prob");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    add_full_norms(layer, layer_prefix(i), model.final_norm->eps);
    MoeSpec moe{.chosen = chosen, .inner = layer.mlp.inner, .normalised = normalised, .act = layer.mlp.act};
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
constexpr std::array<GgufKey, 3> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"num_experts", GgufKey::Kind::size, "expert_count"},
                                           {"num_experts_per_tok", GgufKey::Kind::size, "expert_used_count"}}};
constexpr GgufNames kGguf{.architecture = "olmoe",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu", "norm_topk_prob": false})"};

}  // namespace

extern const Family kOlmoe;
const Family kOlmoe{"olmoe", "OlmoeForCausalLM", &read, &kGguf};

}  // namespace pst::families
