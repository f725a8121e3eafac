// SPDX-License-Identifier: Apache-2.0
// Mixtral: Mistral with a mixture of experts.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// @see transformers MixtralConfig
ModelSpec read(const json::Object& config) {
  DecoderOptions options{.absent = {.positions = 131072, .key_value_heads = 8, .eps = 1e-5, .theta = 1e6}};
  options.window = config.size("sliding_window");
  ModelSpec model = read_decoder(config, options);
  read_auxiliary(config, 0.001);
  const std::int64_t experts = read_expert_count(config, 8), chosen = read_chosen(config, experts, 2);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    MoeSpec moe{.chosen = chosen, .inner = layer.mlp.inner, .normalised = true, .act = layer.mlp.act};
    add_experts(moe, layer_prefix(i) + "block_sparse_moe.experts.", experts, model.hidden, {"w1", "w3", "w2"});
    add_router(moe, layer_prefix(i) + "block_sparse_moe.gate", model.hidden);
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
  return model;
}

}  // namespace

extern const Family kMixtral;
const Family kMixtral{"mixtral", "MixtralForCausalLM", &read};

}  // namespace pst::families
