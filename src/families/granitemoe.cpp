// SPDX-License-Identifier: Apache-2.0
// Granite 3 with a mixture of experts.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/granite_config.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// @see transformers GraniteMoeConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model = read_decoder(config, {.attention_bias = bias, .output_bias = bias});
  read_granite_multipliers(config, model);
  read_auxiliary(config, 0.001);
  const std::int64_t experts = read_expert_count(config, 8), chosen = read_chosen(config, experts, 2);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    add_granite_experts(model.layers[i], layer_prefix(i), experts, chosen, model.hidden);
  return model;
}

}  // namespace

extern const Family kGraniteMoe;
const Family kGraniteMoe{"granitemoe", "GraniteMoeForCausalLM", &read};

}  // namespace pst::families
