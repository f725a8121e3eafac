// SPDX-License-Identifier: Apache-2.0
// Gemma 4, the text of its dense models without embeddings of each layer: full layers have wider heads whose positions
// turn in part, and keys that serve as values.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/gemma_config.hpp"

namespace pst::families {
namespace {

void refuse_what_is_not_there(const json::Object& config) {
  const auto refuse = [&](const char* key, const char* what) {
    config.refuse(key, cat("asks for ", what, ", which are not there yet"),
                  "use a Gemma 4 without them (31B), or Gemma 3");
  };
  const json::Value* const inputs = config.find("hidden_size_per_layer_input");
  if (!inputs || *inputs != 0) refuse("hidden_size_per_layer_input", "embeddings of each layer");
  const json::Value* const shared = config.find("num_kv_shared_layers");
  if (shared && *shared != 0) refuse("num_kv_shared_layers", "layers that share keys and values");
  if (config.flag("enable_moe_block")) refuse("enable_moe_block", "experts beside the MLP");
  if (config.text("use_bidirectional_attention") == "all")
    refuse("use_bidirectional_attention", "rows that see the ones after them");
  for (const char* const key : {"vocab_size_per_layer_input", "use_double_wide_mlp", "num_experts", "top_k_experts",
                                "moe_intermediate_size", "use_bidirectional_attention"})
    config.find(key);  // of what is refused
}

/// Heads of a full layer: said for each layer by newer files, for all of them by older ones.
struct Heads {
  std::int64_t dim = 512;
  std::optional<std::int64_t> key_value;
};
Heads read_full_heads(const json::Object& config, std::size_t layer) {
  Heads heads{.dim = config.size("global_head_dim").value_or(512),
              .key_value = config.size("num_global_key_value_heads")};
  if (const auto all = config.get("per_layer_config")) {
    const auto own = all->object().get(std::to_string(layer));
    if (!own) config.refuse("per_layer_config", cat("says nothing of layer ", layer));
    heads.dim = own->object().size("head_dim").value_or(heads.dim);
    heads.key_value = own->object().size("num_key_value_heads");
  }
  return heads;
}

void widen(LayerSpec& layer, const Heads& heads) {
  AttentionSpec& attention = layer.attention;
  attention.head_dim = heads.dim;
  attention.key_value_heads = heads.key_value.value_or(attention.key_value_heads);
  attention.inputs[0].out = attention.query();
  attention.inputs[1].out = attention.inputs[2].out = attention.key_value();
  attention.o.in = attention.query();
}

/// @see transformers Gemma4TextConfig
ModelSpec read(const json::Object& config) {
  refuse_what_is_not_there(config);
  DecoderOptions options = gemma_sandwich_options();
  options.norm_offset = 0;
  options.absent.key_value_heads = 4;
  options.absent.positions = 131072;
  options.turns = false;  // below
  ModelSpec model = read_gemma(config, options);
  model.logits.cap = read_cap(config, "final_logit_softcapping", 0);
  const std::int64_t window = config.size("sliding_window").value_or(512);
  const bool keys_are_values = config.flag("attention_k_eq_v");
  auto sliding = read_sliding(config, model.layers.size(), [](std::size_t i) { return (i + 1) % 6 != 0; });
  sliding.back() = false;  // as transformers makes it
  std::int64_t full_dim = 0;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    if (sliding[i]) {
      layer.attention.window = window;
    } else {
      widen(layer, read_full_heads(config, i));
      full_dim = layer.attention.head_dim;
      if (keys_are_values) {
        layer.attention.values_are_keys = true;
        layer.attention.inputs.pop_back();
      }
    }
    layer.attention.rope = sliding[i] ? 1 : 0;
    layer.attention.scale = 1;
    add_head_norms(layer, layer_prefix(i), model.final_norm->eps);
    layer.attention.v_norm = NormSpec{.name = {}, .width = layer.attention.head_dim, .eps = model.final_norm->eps};
    layer.scalar = layer_prefix(i) + "layer_scalar";
  }
  const RopeDefaults full{.head_dim = full_dim, .positions = model.positions, .theta = 1e6, .part = 0.25},
      local{.head_dim = config.size("head_dim").value_or(256), .positions = model.positions};
  const bool said = has_rope_section(config, "full_attention");
  model.ropes = {said ? read_rope(config, full, "full_attention") : proportional_rope(full),
                 said ? read_rope(config, local, "sliding_attention") : plain_rope(local, 10000)};
  return model;
}

}  // namespace

extern const Family kGemma4;
const Family kGemma4{"gemma4_text", "Gemma4ForCausalLM", &read};

}  // namespace pst::families
