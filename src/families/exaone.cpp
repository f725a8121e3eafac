// SPDX-License-Identifier: Apache-2.0
// EXAONE 3 and 3.5: llama with the names of GPT-2.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see LG AI Research's configuration_exaone.py, ExaoneConfig
ModelSpec read(const json::Object& config) {
  refuse_dropout(config, "embed_dropout");
  DecoderOptions options{
      .keys = {.layers = "num_layers", .eps = "layer_norm_epsilon", .act = "activation_function"},
      .absent = {.positions = 2048, .inner = 4 * config.needed_size("hidden_size"), .eps = 1e-5, .tied = true},
      .prefix = "transformer.",
      .layers = "h",
      .embedding = "wte",
      .final_norm = "ln_f"};
  options.names.attention_norm = "ln_1";
  options.names.mlp_norm = "ln_2";
  options.names.q = "attn.attention.q_proj";
  options.names.k = "attn.attention.k_proj";
  options.names.v = "attn.attention.v_proj";
  options.names.o = "attn.attention.out_proj";
  options.names.gate = "mlp.c_fc_0";
  options.names.up = "mlp.c_fc_1";
  options.names.down = "mlp.c_proj";
  return read_decoder(config, options);
}

}  // namespace

extern const Family kExaone;
const Family kExaone{"exaone", "ExaoneForCausalLM", &read};

}  // namespace pst::families
