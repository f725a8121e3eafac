// SPDX-License-Identifier: Apache-2.0
// OLMo 3: three layers of four see a window; only the others' positions are scaled.
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/olmo_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Olmo3Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options = olmo_options(config, 500000);
  options.turns = false;  // below
  ModelSpec model = read_olmo(config, options);
  const RopeDefaults defaults{
      .head_dim = model.layers.front().attention.head_dim, .positions = model.positions, .theta = options.absent.theta};
  RopeSpec full = read_rope(config, defaults, "full_attention");
  model.ropes = {full, has_rope_section(config, "sliding_attention") ? read_rope(config, defaults, "sliding_attention")
                                                                     : plain_rope(defaults, full.theta)};
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto sliding = read_sliding(config, model.layers.size(), [](std::size_t i) { return (i + 1) % 4 != 0; });
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    AttentionSpec& attention = model.layers[i].attention;
    if (sliding[i]) attention.window = window;
    attention.rope = sliding[i] ? 1 : 0;
  }
  return model;
}

constexpr std::array<GgufPart, 11> kParts = {{kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              kGgufQNorm,
                                              kGgufKNorm,
                                              {"post_attention_layernorm", "post_attention_norm"},
                                              kGgufGate,
                                              kGgufUp,
                                              kGgufDown,
                                              {"post_feedforward_layernorm", "post_ffw_norm"}}};
constexpr std::array<GgufKey, 1> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"}}};
constexpr GgufNames kGguf{.architecture = "olmo2",
                          .when = "attention.sliding_window",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu"})",
                          .window_pattern = 4};

}  // namespace

extern const Family kOlmo3;
const Family kOlmo3{"olmo3", "Olmo3ForCausalLM", &read, &kGguf};

}  // namespace pst::families
