// SPDX-License-Identifier: Apache-2.0
// GLM-4 0414: norms around both parts of a layer.
#include "families/family.hpp"
#include "families/glm_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Glm4Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options = glm_options(config);
  options.names.attention_out_norm = "post_self_attn_layernorm";
  options.names.mlp_out_norm = "post_mlp_layernorm";
  return read_decoder(config, options);
}

}  // namespace

extern const Family kGlm4;
const Family kGlm4{"glm4", "Glm4ForCausalLM", &read};

}  // namespace pst::families
