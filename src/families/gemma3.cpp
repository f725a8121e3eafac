// SPDX-License-Identifier: Apache-2.0
// Gemma 3, its text: five layers of six see a window and turn by a table of their own.
#include "families/family.hpp"
#include "families/gemma_config.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// Of each type of layer: its own section of rope_parameters, or, in older files, the scaling for full layers alone and
/// `rope_local_base_freq` for the others.
void read_ropes(const json::Object& config, ModelSpec& model) {
  const double local = config.positive("rope_local_base_freq").value_or(10000);
  RopeDefaults defaults{.head_dim = model.layers.front().attention.head_dim, .positions = model.positions};
  if (has_rope_section(config, "full_attention")) {
    RopeDefaults full = defaults, sliding = defaults;
    full.theta = 1e6;
    model.ropes = {read_rope(config, full, "full_attention"), read_rope(config, sliding, "sliding_attention")};
    return;
  }
  defaults.theta = 1e6;
  RopeSpec sliding = plain_rope(defaults, local);
  model.ropes = {read_rope(config, defaults), std::move(sliding)};
}

/// @see transformers Gemma3TextConfig
ModelSpec read(const json::Object& config) {
  DecoderOptions options = gemma_sandwich_options();
  // The published files of 4b and more say only what differs from these.
  options.absent.vocabulary = 262208;
  options.absent.heads = 8;
  options.absent.key_value_heads = 4;
  options.absent.positions = 131072;
  options.turns = false;  // below
  ModelSpec model = read_gemma(config, options);
  read_gemma_scales(config, model, 0);
  config.find("attn_logit_softcapping");  // which transformers does not apply
  read_ropes(config, model);
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const std::size_t pattern = static_cast<std::size_t>(config.size("sliding_window_pattern").value_or(6));
  std::vector<bool> sliding;
  if (config.find("layer_types"))
    sliding = read_sliding(config, model.layers.size(), nullptr);
  else
    for (std::size_t i = 0; i < model.layers.size(); ++i) sliding.push_back((i + 1) % pattern != 0);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    AttentionSpec& attention = model.layers[i].attention;
    if (sliding[i]) attention.window = window;
    attention.rope = sliding[i] ? 1 : 0;
    add_head_norms(model.layers[i], layer_prefix(i), model.final_norm->eps, /*offset=*/1);
  }
  return model;
}

constexpr std::array<GgufPart, 13> kParts = {{kGgufAttentionNorm,
                                              kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              kGgufQNorm,
                                              kGgufKNorm,
                                              {"post_attention_layernorm", "post_attention_norm"},
                                              {"pre_feedforward_layernorm", "ffn_norm"},
                                              kGgufGate,
                                              kGgufUp,
                                              kGgufDown,
                                              {"post_feedforward_layernorm", "post_ffw_norm"}}};
/// What scores are divided by is not in the file: llama.cpp, too, tells the 27B, which has 62 layers, by their number.
constexpr std::array<GgufKey, 3> kKeys = {
    {{"query_pre_attn_scalar", GgufKey::Kind::score_divisor, "62"},
     {"rope_local_base_freq", GgufKey::Kind::real, "rope.freq_base_swa", "10000.0"},
     {"final_logit_softcapping", GgufKey::Kind::real, "final_logit_softcapping", "null"}}};
constexpr GgufNames kGguf{.architecture = "gemma3",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_activation": "gelu_pytorch_tanh", "attention_bias": false})",
                          .window_pattern = 6};

}  // namespace

extern const Family kGemma3;
const Family kGemma3{"gemma3_text", "Gemma3ForCausalLM", &read, &kGguf};

}  // namespace pst::families
