// SPDX-License-Identifier: Apache-2.0
// StableLM: LayerNorms, a part of each head turns, attention and MLP side by side in some.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers StableLmConfig
ModelSpec read(const json::Object& config) {
  refuse_dropout(config, "hidden_dropout");
  const bool parallel = config.flag("use_parallel_residual"), normed = config.flag("qk_layernorm");
  DecoderOptions options{.keys = {.eps = "layer_norm_eps"},
                         .absent = {.positions = 4096, .eps = 1e-5, .rotary_part = 0.25},
                         .attention_bias = config.flag("use_qkv_bias"),
                         .norms_centred = true,
                         .norm_bias = true};
  if (parallel) options.names.mlp_norm = "";
  ModelSpec model = read_decoder(config, options);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    layer.parallel = parallel;
    if (!normed) continue;
    const auto norms = [&](const char* name, std::int64_t heads) {
      return NormSpec{.name = layer_prefix(i) + "self_attn." + name + ".norms.",
                      .width = layer.attention.head_dim,
                      .eps = model.final_norm->eps,
                      .centred = true,
                      .weights = heads,
                      .split = true};
    };
    layer.attention.q_norm = norms("q_layernorm", layer.attention.query_heads);
    layer.attention.k_norm = norms("k_layernorm", layer.attention.key_value_heads);
  }
  return model;
}

constexpr std::array<GgufPart, 11> kParts = {{kGgufAttentionNorm,
                                              kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              {"self_attn.q_layernorm.norms.*", "attn_q_norm"},
                                              {"self_attn.k_layernorm.norms.*", "attn_k_norm"},
                                              kGgufMlpNorm,
                                              kGgufGate,
                                              kGgufUp,
                                              kGgufDown}};
constexpr std::array<GgufKey, 3> kKeys = {{{"use_qkv_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"qk_layernorm", GgufKey::Kind::tensor, "blk.0.attn_q_norm.weight"},
                                           {"use_parallel_residual", GgufKey::Kind::flag, "use_parallel_residual"}}};
constexpr GgufNames kGguf{.architecture = "stablelm",
                          .layer_parts = kParts,
                          .eps = gguf_layer_norm_eps("layer_norm_eps"),
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu"})",
                          .rope = {.part = "partial_rotary_factor"}};

}  // namespace

extern const Family kStablelm;
const Family kStablelm{"stablelm", "StableLmForCausalLM", &read, &kGguf};

}  // namespace pst::families
