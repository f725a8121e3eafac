// SPDX-License-Identifier: Apache-2.0
// Seed-OSS: llama with biases on queries, keys and values.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers SeedOssConfig
ModelSpec read(const json::Object& config) {
  refuse_absent_dropout(config, "residual_dropout", 0.1);
  refuse_absent_dropout(config, "attention_dropout", 0.1);
  return read_decoder(config, {.absent = {.positions = 524288, .key_value_heads = 8, .head_dim = 128},
                               .attention_bias = config.flag("attention_bias", true),
                               .output_bias = config.flag("attention_out_bias"),
                               .mlp_bias = config.flag("mlp_bias")});
}

constexpr std::array<GgufPart, 9> kParts = {{kGgufAttentionNorm,
                                             kGgufQ,
                                             kGgufK,
                                             kGgufV,
                                             kGgufO,
                                             {"post_attention_layernorm", "post_attention_norm"},
                                             kGgufGate,
                                             kGgufUp,
                                             kGgufDown}};
constexpr std::array<GgufKey, 3> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"attention_out_bias", GgufKey::Kind::tensor, "blk.0.attn_output.bias"},
                                           {"mlp_bias", GgufKey::Kind::tensor, "blk.0.ffn_gate.bias"}}};
constexpr GgufNames kGguf{.architecture = "seed_oss",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu", "attention_dropout": 0.0, "residual_dropout": 0.0})"};

}  // namespace

extern const Family kSeedOss;
const Family kSeedOss{"seed_oss", "SeedOssForCausalLM", &read, &kGguf};

}  // namespace pst::families
