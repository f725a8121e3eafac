// SPDX-License-Identifier: Apache-2.0
// Granite 4 without Mamba layers: dense, or with experts beside an MLP that every row takes.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/granite_config.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// Types of layers are `attention` or `full_attention`, and `mamba`, which a missing list means for all.
void refuse_mamba(const json::Object& config, std::size_t layers) {
  for (const char* const key : {"layer_types", "layers_block_type"})
    if (const auto listed = config.get(key)) {
      const auto types = listed->texts();
      for (const std::string& type : types)
        if (type != "attention" && type != "full_attention")
          config.refuse(key, cat("has ", quoted(type), "; Mamba layers are not there yet"),
                        "use a Granite without them");
      if (types.size() != layers) config.refuse(key, cat("has ", types.size(), " types for ", layers, " layers"));
      return;
    }
  config.refuse("layer_types", "is missing, which means Mamba layers; they are not there yet");
}

/// @see transformers GraniteMoeHybridConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  DecoderOptions options{.attention_bias = bias, .output_bias = bias};
  options.absent.inner = 1;  // of experts, of which there may be none
  options.turns =
      config.text("position_embedding_type") == "rope" || config.text("position_embedding_type") == "default";
  if (!options.turns)
    for (const char* const key : {"rope_parameters", "rope_scaling", "rope_theta"}) config.find(key);
  ModelSpec model = read_decoder(config, options);
  refuse_mamba(config, model.layers.size());
  read_granite_multipliers(config, model);
  read_balance(config, model);
  for (const auto& [key, value] : config.unasked())
    if (key.starts_with("mamba_") || key == "time_step_limit" || key == "time_step_min" || key == "time_step_max")
      config.find(key);  // of layers that it does not have
  const json::Value* const none = config.find("num_local_experts");
  const std::int64_t experts = none && *none == 0 ? 0 : read_expert_count(config, 8);
  const std::int64_t chosen = experts == 0 ? 0 : read_chosen(config, experts, 2);
  if (experts == 0) config.find("num_experts_per_tok");
  const std::int64_t inner = config.size("shared_intermediate_size").value_or(1024);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    const std::string prefix = layer_prefix(i) + "shared_mlp.";
    MlpSpec shared{.inner = inner, .act = layer.mlp.act};
    shared.inputs = {
        {.name = prefix + "input_linear", .out = 2 * inner, .in = model.hidden, .reads = Reads::mlp_input}};
    shared.down = {
        .name = prefix + "output_linear", .out = model.hidden, .in = inner, .reads = Reads::shared_activated};
    if (experts > 0) {
      add_granite_experts(layer, layer_prefix(i), experts, chosen, model.hidden);
      layer.moe->shared = std::move(shared);
    } else {
      layer.mlp = std::move(shared);
    }
  }
  return model;
}

}  // namespace

extern const Family kGraniteMoeHybrid;
const Family kGraniteMoeHybrid{"granitemoehybrid", "GraniteMoeHybridForCausalLM", &read};

}  // namespace pst::families
