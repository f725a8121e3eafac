// SPDX-License-Identifier: Apache-2.0
#include "families/qwen_next_config.hpp"

#include "core/strings.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// `layer_types`, or attention in every `full_attention_interval`-th layer.
std::vector<bool> read_attention_layers(const json::Object& config, std::size_t layers) {
  const auto interval = static_cast<std::size_t>(config.size("full_attention_interval").value_or(4));
  std::vector<bool> attention;
  if (const auto listed = config.get("layer_types")) {
    for (const std::string& type : listed->texts()) {
      if (type != "full_attention" && type != "linear_attention")
        config.refuse("layer_types", cat("has ", quoted(type), "; known are full_attention and linear_attention"));
      attention.push_back(type == "full_attention");
    }
    if (attention.size() != layers)
      config.refuse("layer_types", cat("has ", attention.size(), " types for ", layers, " layers"));
    return attention;
  }
  for (std::size_t i = 0; i < layers; ++i) attention.push_back((i + 1) % interval == 0);
  return attention;
}

DeltaSpec read_delta(const json::Object& config, const std::string& prefix, std::int64_t hidden, double eps,
                     bool by_key_head) {
  const auto size = [&](const char* key, std::int64_t absent) { return config.size(key, 65536).value_or(absent); };
  DeltaSpec delta{.key_heads = size("linear_num_key_heads", 16),
                  .value_heads = size("linear_num_value_heads", 32),
                  .key_dim = size("linear_key_head_dim", 128),
                  .value_dim = size("linear_value_head_dim", 128),
                  .taps = size("linear_conv_kernel_dim", 4),
                  .by_key_head = by_key_head};
  if (delta.value_heads % delta.key_heads != 0)
    config.refuse("linear_num_value_heads",
                  cat("is ", delta.value_heads, ", no multiple of the ", delta.key_heads, " key heads"));
  const auto input = [&](const char* name, std::int64_t out) {
    delta.inputs.push_back({.name = prefix + name, .out = out, .in = hidden, .reads = Reads::attention_input});
  };
  if (by_key_head) {
    input("in_proj_qkvz", delta.mixed() + delta.values());
    input("in_proj_ba", 2 * delta.value_heads);
  } else {
    input("in_proj_qkv", delta.mixed());
    input("in_proj_z", delta.values());
    input("in_proj_b", delta.value_heads);
    input("in_proj_a", delta.value_heads);
  }
  delta.taps_name = prefix + "conv1d.weight";
  delta.decay_log = prefix + "A_log";
  delta.decay_bias = prefix + "dt_bias";
  delta.norm = {.name = prefix + "norm", .width = delta.value_dim, .eps = eps};
  delta.out = {.name = prefix + "out_proj", .out = hidden, .in = delta.values(), .reads = Reads::mixed};
  return delta;
}

}  // namespace

ModelSpec read_qwen_next(const json::Object& config, bool by_key_head, const Absent& absent) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model =
      read_decoder(config, {.absent = absent, .attention_bias = bias, .output_bias = bias, .norm_offset = 1});
  model.left_aside.emplace_back("mtp.");  // further tokens predicted at once
  if (!config.flag("attn_output_gate", true))
    config.refuse("attn_output_gate", "is false, and transformers gates the heads all the same");
  // How many of those layers there are, and in what the state is kept while text is generated.
  for (const char* const key : {"mtp_num_hidden_layers", "mamba_ssm_dtype"}) config.find(key);
  const auto attention = read_attention_layers(config, model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    const double eps = model.final_norm->eps;
    if (attention[i]) {
      add_head_norms(layer, layer_prefix(i), eps, /*offset=*/1);
      layer.attention.gated = true;
      layer.attention.inputs[0].out *= 2;
    } else {
      layer.delta = read_delta(config, layer_prefix(i) + "linear_attn.", model.hidden, eps, by_key_head);
      layer.attention = {};
    }
  }
  return model;
}

void add_qwen_experts(const json::Object& config, ModelSpec& model, bool normalised) {
  read_balance(config, model);
  const std::int64_t experts = read_expert_count(config, 512), chosen = read_chosen(config, experts, 10);
  if (experts == 0) return;
  const std::int64_t inner = config.size("moe_intermediate_size").value_or(512);
  const std::int64_t shared = config.size("shared_expert_intermediate_size").value_or(512);
  const auto sparse = read_sparse_layers(config, model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    if (!sparse[i]) continue;
    const std::string prefix = layer_prefix(i) + "mlp.";
    MoeSpec moe{.chosen = chosen, .inner = inner, .normalised = normalised, .act = layer.mlp.act};
    add_experts(moe, prefix + "experts.", experts, model.hidden);
    add_router(moe, prefix + "gate", model.hidden);
    add_shared(moe, prefix + "shared_expert.", shared, model.hidden);
    moe.shared_gate =
        LinearSpec{.name = prefix + "shared_expert_gate", .out = 1, .in = model.hidden, .reads = Reads::mlp_input};
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
}

}  // namespace pst::families
