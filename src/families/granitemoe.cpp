// SPDX-License-Identifier: Apache-2.0
// Granite 3 with a mixture of experts.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/granite_config.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// @see transformers GraniteMoeConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model = read_decoder(config, {.attention_bias = bias, .output_bias = bias});
  read_granite_multipliers(config, model);
  read_balance(config, model);
  const std::int64_t experts = read_expert_count(config, 8), chosen = read_chosen(config, experts, 2);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    add_granite_experts(model.layers[i], layer_prefix(i), experts, chosen, model.hidden);
  return model;
}

constexpr std::array<GgufPart, 9> kParts = {
    {kGgufAttentionNorm,
     kGgufTurnedQ,
     kGgufTurnedK,
     kGgufV,
     kGgufO,
     kGgufMlpNorm,
     {"block_sparse_moe.router.layer", "ffn_gate_inp"},
     {.ours = "block_sparse_moe.input_linear", .theirs = "ffn_gate_exps", .second = "ffn_up_exps"},
     {"block_sparse_moe.output_linear", "ffn_down_exps"}}};
constexpr std::array<GgufKey, 7> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"num_local_experts", GgufKey::Kind::size, "expert_count"},
                                           {"num_experts_per_tok", GgufKey::Kind::size, "expert_used_count"},
                                           {"attention_multiplier", GgufKey::Kind::real, "attention.scale"},
                                           {"embedding_multiplier", GgufKey::Kind::real, "embedding_scale", "1.0"},
                                           {"residual_multiplier", GgufKey::Kind::real, "residual_scale", "1.0"},
                                           {"logits_scaling", GgufKey::Kind::real, "logit_scale", "1.0"}}};
constexpr GgufNames kGguf{
    .architecture = "granitemoe", .layer_parts = kParts, .more = kKeys, .fixed = R"({"hidden_act": "silu"})"};

}  // namespace

extern const Family kGraniteMoe;
const Family kGraniteMoe{"granitemoe", "GraniteMoeForCausalLM", &read, &kGguf};

}  // namespace pst::families
