// SPDX-License-Identifier: Apache-2.0
#include "families/gemma_config.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace pst::families {

DecoderOptions gemma_options() {
  return {.keys = {.act = "hidden_activation"},
          .absent = {.positions = 8192, .head_dim = 256, .tied = true, .act = "gelu_pytorch_tanh"},
          .norm_offset = 1};
}

DecoderOptions gemma_sandwich_options() {
  DecoderOptions options = gemma_options();
  options.names.attention_out_norm = "post_attention_layernorm";
  options.names.mlp_norm = "pre_feedforward_layernorm";
  options.names.mlp_out_norm = "post_feedforward_layernorm";
  return options;
}

ModelSpec read_gemma(const json::Object& config, const DecoderOptions& given) {
  DecoderOptions options = given;
  options.attention_bias = options.output_bias = config.flag("attention_bias");
  ModelSpec model = read_decoder(config, options);
  config.find("hidden_act");  // left over by old converters beside hidden_activation
  model.embedding_scale = std::sqrt(static_cast<double>(model.hidden));
  for (LayerSpec& layer : model.layers)
    if (layer.mlp.act == kernels::Act::gelu) layer.mlp.act = kernels::Act::gelu_tanh;
  return model;
}

void read_gemma_scales(const json::Object& config, ModelSpec& model, double cap) {
  const double scalar = config.positive("query_pre_attn_scalar").value_or(256);
  for (LayerSpec& layer : model.layers) layer.attention.scale = 1 / std::sqrt(scalar);
  model.logits.cap = read_cap(config, "final_logit_softcapping", cap);
}

double read_cap(const json::Object& config, const char* key, double absent) {
  if (!config.has(key)) return absent;
  return config.positive(key).value_or(0);
}

}  // namespace pst::families
