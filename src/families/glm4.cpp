// SPDX-License-Identifier: Apache-2.0
// GLM-4 0414: norms around both parts of a layer.
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/glm_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Glm4Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options = glm_options(config);
  options.names.attention_out_norm = "post_self_attn_layernorm";
  options.names.mlp_out_norm = "post_mlp_layernorm";
  return read_decoder(config, options);
}

constexpr std::array<GgufPart, 10> kParts = {{kGgufAttentionNorm,
                                              kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              {"post_self_attn_layernorm", "post_attention_norm"},
                                              kGgufMlpNorm,
                                              {"mlp.gate_up_proj", "ffn_up"},
                                              kGgufDown,
                                              {"post_mlp_layernorm", "post_ffw_norm"}}};
constexpr std::array<GgufKey, 1> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"}}};
constexpr GgufNames kGguf{.architecture = "glm4",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu"})",
                          .rope = {.part = "partial_rotary_factor"}};

}  // namespace

extern const Family kGlm4;
const Family kGlm4{"glm4", "Glm4ForCausalLM", &read, &kGguf};

}  // namespace pst::families
