// SPDX-License-Identifier: Apache-2.0
// Phi 1, 1.5 and 2: attention and MLP side by side, biases everywhere.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers PhiConfig
ModelSpec read(const json::Object& config) {
  for (const char* const dropout : {"resid_pdrop", "embd_pdrop"}) refuse_dropout(config, dropout);
  DecoderOptions options{.keys = {.eps = "layer_norm_eps"},
                         .absent = {.positions = 2048, .eps = 1e-5, .rotary_part = 0.5, .act = "gelu_new"},
                         .final_norm = "final_layernorm",
                         .attention_bias = true,
                         .output_bias = true,
                         .mlp_bias = true,
                         .head_bias = true,
                         .norms_centred = true,
                         .norm_bias = true,
                         .gated_mlp = false};
  options.names.mlp_norm = "";
  options.names.o = "self_attn.dense";
  options.names.up = "mlp.fc1";
  options.names.down = "mlp.fc2";
  ModelSpec model = read_decoder(config, options);
  const bool normed = config.flag("qk_layernorm");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    layer.parallel = true;
    if (!normed) continue;
    const auto norm = [&](const char* name) {
      return NormSpec{.name = layer_prefix(i) + "self_attn." + name,
                      .width = layer.attention.head_dim,
                      .eps = model.final_norm->eps,
                      .centred = true,
                      .bias = true};
    };
    layer.attention.q_norm = norm("q_layernorm");
    layer.attention.k_norm = norm("k_layernorm");
  }
  return model;
}

constexpr std::array<GgufPart, 7> kParts = {{kGgufAttentionNorm,
                                             kGgufQ,
                                             kGgufK,
                                             kGgufV,
                                             {"self_attn.dense", "attn_output"},
                                             {"mlp.fc1", "ffn_up"},
                                             {"mlp.fc2", "ffn_down"}}};
constexpr GgufNames kGguf{.architecture = "phi2",
                          .layer_parts = kParts,
                          .eps = gguf_layer_norm_eps("layer_norm_eps"),
                          .fixed = R"({"hidden_act": "gelu_new", "qk_layernorm": false})",
                          .rope = {.part = "partial_rotary_factor"}};

}  // namespace

extern const Family kPhi;
const Family kPhi{"phi", "PhiForCausalLM", &read, &kGguf};

}  // namespace pst::families
