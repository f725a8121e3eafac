// SPDX-License-Identifier: Apache-2.0
// Gemma 3, its text: five layers of six see a window and turn by a table of their own.
#include "families/family.hpp"
#include "families/gemma_config.hpp"

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

}  // namespace

extern const Family kGemma3;
const Family kGemma3{"gemma3_text", "Gemma3ForCausalLM", &read};

}  // namespace pst::families
