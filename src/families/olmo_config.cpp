// SPDX-License-Identifier: Apache-2.0
#include "families/olmo_config.hpp"

namespace pst::families {

DecoderOptions olmo_options(const json::Object& config, double theta) {
  const bool bias = config.flag("attention_bias");
  DecoderOptions options{
      .absent = {.positions = 2048, .eps = 1e-5, .theta = theta}, .attention_bias = bias, .output_bias = bias};
  options.names.attention_norm = options.names.mlp_norm = "";
  options.names.attention_out_norm = "post_attention_layernorm";
  options.names.mlp_out_norm = "post_feedforward_layernorm";
  return options;
}

ModelSpec read_olmo(const json::Object& config, const DecoderOptions& options) {
  ModelSpec model = read_decoder(config, options);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    add_full_norms(model.layers[i], layer_prefix(i), model.final_norm->eps);
  return model;
}

}  // namespace pst::families
