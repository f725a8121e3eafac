// SPDX-License-Identifier: Apache-2.0
#include "families/cohere_config.hpp"

namespace pst::families {

ModelSpec read_cohere(const json::Object& config, double theta, std::int64_t positions) {
  const bool bias = config.flag("attention_bias");
  DecoderOptions options{.keys = {.eps = "layer_norm_eps"},
                         .absent = {.positions = positions, .eps = 1e-5, .theta = theta, .tied = true},
                         .attention_bias = bias,
                         .output_bias = bias,
                         .norms_centred = true,
                         .neighbours = true};
  options.names.mlp_norm = "";
  ModelSpec model = read_decoder(config, options);
  model.logits.scale = config.positive("logit_scale").value_or(0.0625);
  for (LayerSpec& layer : model.layers) layer.parallel = true;
  return model;
}

}  // namespace pst::families
