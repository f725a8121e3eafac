// SPDX-License-Identifier: Apache-2.0
// Arcee's AFM: llama with an MLP without a gate.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers ArceeConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  return read_decoder(config, {.absent = {.positions = 4096, .eps = 1e-5, .act = "relu2"},
                               .attention_bias = bias,
                               .output_bias = bias,
                               .mlp_bias = config.flag("mlp_bias"),
                               .gated_mlp = false});
}

}  // namespace

extern const Family kArcee;
const Family kArcee{"arcee", "ArceeForCausalLM", &read};

}  // namespace pst::families
