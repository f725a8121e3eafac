// SPDX-License-Identifier: Apache-2.0
// EXAONE 4: norms behind attention and MLP; with windows, full layers have no rotary positions.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers Exaone4Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options{.absent = {.positions = 2048, .key_value_heads = 32, .eps = 1e-5}};
  options.names.attention_norm = options.names.mlp_norm = "";
  options.names.attention_out_norm = "post_attention_layernorm";
  options.names.mlp_out_norm = "post_feedforward_layernorm";
  ModelSpec model = read_decoder(config, options);
  std::optional<std::int64_t> window = config.size("sliding_window");
  if (!config.has("sliding_window")) window = 4096;
  const auto pattern = read_sliding_pattern(config, model.layers.size(), window ? 4 : 0);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    add_head_norms(layer, layer_prefix(i), model.final_norm->eps);
    if (!window) continue;
    if (pattern[i])
      layer.attention.window = window;
    else
      layer.attention.rope.reset();
  }
  return model;
}

}  // namespace

extern const Family kExaone4;
const Family kExaone4{"exaone4", "Exaone4ForCausalLM", &read};

}  // namespace pst::families
