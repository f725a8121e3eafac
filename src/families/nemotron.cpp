// SPDX-License-Identifier: Apache-2.0
// Nemotron 4 and Minitron: LayerNorms that store their weights less one, squared relu.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers NemotronConfig
ModelSpec read(const json::Object& config) {
  refuse_dropout(config, "hidden_dropout");
  const bool bias = config.flag("attention_bias");
  return read_decoder(config, {.keys = {.eps = "norm_eps"},
                               .absent = {.positions = 4096, .eps = 1e-5, .rotary_part = 0.5, .act = "relu2"},
                               .attention_bias = bias,
                               .output_bias = bias,
                               .mlp_bias = config.flag("mlp_bias"),
                               .norms_centred = true,
                               .norm_bias = true,
                               .norm_offset = 1,
                               .gated_mlp = false});
}

constexpr std::array<GgufKey, 2> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"mlp_bias", GgufKey::Kind::tensor, "blk.0.ffn_up.bias"}}};
constexpr GgufNames kGguf{.architecture = "nemotron",
                          .layer_parts = kGgufPlainParts,
                          .eps = gguf_layer_norm_eps("norm_eps"),
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "relu2"})",
                          .rope = {.part = "partial_rotary_factor"}};

}  // namespace

extern const Family kNemotron;
const Family kNemotron{"nemotron", "NemotronForCausalLM", &read, &kGguf};

}  // namespace pst::families
