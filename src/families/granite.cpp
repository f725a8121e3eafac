// SPDX-License-Identifier: Apache-2.0
// Granite 3: llama with four multipliers.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/granite_config.hpp"

namespace pst::families {
namespace {

/// @see transformers GraniteConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model =
      read_decoder(config, {.attention_bias = bias, .output_bias = bias, .mlp_bias = config.flag("mlp_bias")});
  read_granite_multipliers(config, model);
  return model;
}

}  // namespace

extern const Family kGranite;
const Family kGranite{"granite", "GraniteForCausalLM", &read};

}  // namespace pst::families
