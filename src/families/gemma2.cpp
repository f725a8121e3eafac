// SPDX-License-Identifier: Apache-2.0
// Gemma 2: every other layer sees a window; scores and logits are capped.
#include "families/family.hpp"
#include "families/gemma_config.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers Gemma2Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options = gemma_sandwich_options();
  options.absent.key_value_heads = 4;
  ModelSpec model = read_gemma(config, options);
  read_gemma_scales(config, model, 30);
  const double cap = read_cap(config, "attn_logit_softcapping", 50);
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto sliding = read_sliding(config, model.layers.size(), [](std::size_t i) { return i % 2 == 0; });
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    model.layers[i].attention.cap = cap;
    if (sliding[i]) model.layers[i].attention.window = window;
  }
  return model;
}

constexpr std::array<GgufPart, 11> kParts = {{kGgufAttentionNorm,
                                              kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              {"post_attention_layernorm", "post_attention_norm"},
                                              {"pre_feedforward_layernorm", "ffn_norm"},
                                              kGgufGate,
                                              kGgufUp,
                                              kGgufDown,
                                              {"post_feedforward_layernorm", "post_ffw_norm"}}};
/// What scores are divided by is not in the file: llama.cpp, too, tells the 27B, which has 46 layers, by their number.
constexpr std::array<GgufKey, 3> kKeys = {
    {{"query_pre_attn_scalar", GgufKey::Kind::score_divisor, "46"},
     {"attn_logit_softcapping", GgufKey::Kind::real, "attn_logit_softcapping", "null"},
     {"final_logit_softcapping", GgufKey::Kind::real, "final_logit_softcapping", "null"}}};
constexpr GgufNames kGguf{.architecture = "gemma2",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_activation": "gelu_pytorch_tanh", "attention_bias": false})",
                          .window_pattern = 2};

}  // namespace

extern const Family kGemma2;
const Family kGemma2{"gemma2", "Gemma2ForCausalLM", &read, &kGguf};

}  // namespace pst::families
