// SPDX-License-Identifier: Apache-2.0
// Gemma 4, as text: full layers have wider heads whose positions turn in part, and keys that may serve as values. Small
// models give each layer a vector of each token, and their last layers read keys and values of earlier ones; one has
// experts beside the MLP.
#include <cmath>

#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/gemma_config.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

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

/// 0 is a number here, and means as null does that there is none.
std::int64_t count_of(const json::Object& config, const char* key, std::int64_t absent) {
  const json::Value* const said = config.find(key);
  return (config.has(key) && !config.get(key)) || (said && *said == 0) ? 0 : config.size(key).value_or(absent);
}

NormSpec norm_of(const std::string& name, const ModelSpec& model) {
  return {.name = name, .width = model.hidden, .eps = model.final_norm->eps};
}

/// The last layers have no keys and values: they read those of the last layer of their kind before them.
void share_keys(const json::Object& config, ModelSpec& model, const std::vector<bool>& sliding) {
  const auto layers = std::ssize(model.layers), shared = count_of(config, "num_kv_shared_layers", 0);
  const bool wide = config.flag("use_double_wide_mlp");
  if (shared >= layers)
    config.refuse("num_kv_shared_layers", cat("is ", shared, ", and there are ", layers, " layers"));
  const auto first = static_cast<std::size_t>(layers - shared);
  for (std::size_t i = first; i < model.layers.size(); ++i) {
    std::size_t lender = first;
    while (lender > 0 && sliding[lender - 1] != sliding[i]) --lender;
    if (lender == 0) config.refuse("num_kv_shared_layers", cat("leaves layer ", i, " none of its kind to read"));
    --lender;
    LayerSpec& layer = model.layers[i];
    model.layers[lender].attention.lends = true;
    layer.attention.borrows = lender;
    layer.attention.values_are_keys = false;
    layer.attention.inputs.resize(1);
    for (const char* const unused : {"k_proj.", "v_proj.", "k_norm.", "v_norm."})  // published files have them
      model.left_aside.push_back(cat(layer_prefix(i), "self_attn.", unused));
    layer.attention.k_norm.reset();
    layer.attention.v_norm.reset();
    if (!wide) continue;
    layer.mlp.inner *= 2;
    for (LinearSpec& linear : layer.mlp.inputs) linear.out = layer.mlp.inner;
    layer.mlp.down.in = layer.mlp.inner;
  }
}

void add_token_vectors(const json::Object& config, ModelSpec& model) {
  const std::int64_t width = count_of(config, "hidden_size_per_layer_input", 256);
  const std::int64_t rows = config.size("vocab_size_per_layer_input").value_or(262144);
  if (width == 0) return;
  if (rows < model.vocabulary)
    config.refuse("vocab_size_per_layer_input", cat("is ", rows, ", and vocab_size is ", model.vocabulary));
  NormSpec norm = norm_of("model.per_layer_projection_norm", model);
  norm.width = width;
  model.token_vectors = TokenVectors{.name = "model.embed_tokens_per_layer",
                                     .rows = rows,
                                     .width = width,
                                     .projection = {.name = "model.per_layer_model_projection",
                                                    .out = std::ssize(model.layers) * width,
                                                    .in = model.hidden},
                                     .norm = norm};
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const std::string prefix = layer_prefix(i);
    model.layers[i].token_gate = TokenGateSpec{
        .gate = {.name = prefix + "per_layer_input_gate", .out = width, .in = model.hidden, .reads = Reads::stream},
        .projection = {.name = prefix + "per_layer_projection",
                       .out = model.hidden,
                       .in = width,
                       .reads = Reads::gated_vector},
        .norm = norm_of(prefix + "post_per_layer_input_norm", model)};
  }
}

/// Experts beside each layer's MLP; router and experts read the stream through norms of their own.
void add_gemma_experts(const json::Object& config, ModelSpec& model) {
  const bool there = config.flag("enable_moe_block");
  const std::int64_t count = config.size("num_experts").value_or(0), chosen = config.size("top_k_experts").value_or(0),
                     inner = config.size("moe_intermediate_size").value_or(0);
  if (!there) return;
  if (count == 0 || chosen == 0 || inner == 0)
    config.refuse("enable_moe_block", "needs num_experts, top_k_experts and moe_intermediate_size");
  if (chosen > count) config.refuse("top_k_experts", cat("is ", chosen, "; there are ", count, " experts"));
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    const std::string prefix = layer_prefix(i);
    MoeSpec moe{.chosen = chosen, .inner = inner, .normalised = true, .act = layer.mlp.act};
    add_experts(moe, prefix + "experts.", count, model.hidden);
    add_router(moe, prefix + "router.proj", model.hidden);
    moe.router_norm = norm_of(prefix + "router.scale", model);
    moe.router_norm->bare = true;
    moe.router_norm->factor = 1 / std::sqrt(static_cast<double>(model.hidden));
    moe.expert_scales = prefix + "router.per_expert_scale";
    moe.experts_norm = norm_of(prefix + "pre_feedforward_layernorm_2", model);
    moe.experts_out_norm = norm_of(prefix + "post_feedforward_layernorm_2", model);
    moe.shared_out_norm = norm_of(prefix + "post_feedforward_layernorm_1", model);
    moe.shared = std::move(layer.mlp);
    layer.mlp = {};
    layer.mlp.act = moe.act;
    layer.moe = std::move(moe);
  }
}

/// @see transformers Gemma4TextConfig
ModelSpec read(const json::Object& config) {
  if (config.text("use_bidirectional_attention") == "all")
    config.refuse("use_bidirectional_attention", "asks for rows that see the ones after them, which are not there yet");
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
  share_keys(config, model, sliding);
  add_token_vectors(config, model);
  add_gemma_experts(config, model);
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
