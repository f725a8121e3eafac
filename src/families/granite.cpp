// SPDX-License-Identifier: Apache-2.0
// Granite 3: llama with four multipliers.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/granite_config.hpp"

namespace pst::families {
namespace {

/// @see transformers GraniteConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model =
      read_decoder(config, {.attention_bias = bias, .output_bias = bias, .mlp_bias = config.flag("mlp_bias")});
  read_granite_multipliers(config, model);
  return model;
}

constexpr std::array<GgufKey, 6> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"mlp_bias", GgufKey::Kind::tensor, "blk.0.ffn_gate.bias"},
                                           {"attention_multiplier", GgufKey::Kind::real, "attention.scale"},
                                           {"embedding_multiplier", GgufKey::Kind::real, "embedding_scale", "1.0"},
                                           {"residual_multiplier", GgufKey::Kind::real, "residual_scale", "1.0"},
                                           {"logits_scaling", GgufKey::Kind::real, "logit_scale", "1.0"}}};
constexpr GgufNames kGguf{
    .architecture = "granite", .layer_parts = kGgufTurnedParts, .more = kKeys, .fixed = R"({"hidden_act": "silu"})"};

}  // namespace

extern const Family kGranite;
const Family kGranite{"granite", "GraniteForCausalLM", &read, &kGguf};

}  // namespace pst::families
