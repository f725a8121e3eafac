// SPDX-License-Identifier: Apache-2.0
// InternLM 3: llama with other names for its biases.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see InternLM's configuration_internlm3.py: `qkv_bias` of the first three products, `bias` of the others;
/// transformers 5 writes llama's keys
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("bias") || config.flag("attention_bias");
  return read_decoder(config, {.absent = {.positions = 32768, .key_value_heads = 2, .eps = 1e-5},
                               .attention_bias = config.flag("qkv_bias") || config.flag("attention_bias"),
                               .output_bias = bias,
                               .mlp_bias = config.flag("bias") || config.flag("mlp_bias")});
}

}  // namespace

extern const Family kInternlm3;
const Family kInternlm3{"internlm3", "InternLM3ForCausalLM", &read};

}  // namespace pst::families
