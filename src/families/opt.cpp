// SPDX-License-Identifier: Apache-2.0
// OPT: learned positions that begin at row 2.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers OPTConfig
ModelSpec read(const json::Object& config) {
  for (const char* const dropout : {"dropout"}) refuse_absent_dropout(config, dropout, 0.1);
  for (const char* const key : {"activation_dropout", "layerdrop"}) refuse_dropout(config, key);
  config.find("init_std");
  if (!config.flag("layer_norm_elementwise_affine", true))
    config.refuse("layer_norm_elementwise_affine", "is false, which is not supported");
  const bool before = config.flag("do_layer_norm_before", true), bias = config.flag("enable_bias", true);
  DecoderOptions options{.keys = {.inner = "ffn_dim", .act = "activation_function"},
                         .absent = {.positions = 2048, .eps = 1e-5, .tied = true, .act = "relu"},
                         .prefix = "model.decoder.",
                         .final_norm = before && !config.flag("_remove_final_layer_norm") ? "final_layer_norm" : "",
                         .attention_bias = bias,
                         .output_bias = bias,
                         .mlp_bias = bias,
                         .norms_centred = true,
                         .norm_bias = true,
                         .gated_mlp = false,
                         .turns = false};
  auto& names = options.names;
  (before ? names.attention_norm : names.attention_out_norm) = "self_attn_layer_norm";
  (before ? names.mlp_norm : names.mlp_out_norm) = "final_layer_norm";
  if (!before) names.attention_norm = names.mlp_norm = "";
  names.o = "self_attn.out_proj";
  names.up = "fc1";
  names.down = "fc2";
  ModelSpec model = read_decoder(config, options);
  if (const auto width = config.size("word_embed_proj_dim"); width && *width != model.hidden) {
    model.project_in = LinearSpec{.name = "model.decoder.project_in", .out = model.hidden, .in = *width};
    model.project_out = LinearSpec{.name = "model.decoder.project_out", .out = *width, .in = model.hidden};
    model.head.in = *width;
  }
  model.position_table =
      PositionTable{.name = "model.decoder.embed_positions", .rows = model.positions + 2, .first = 2};
  model.renamed = {{"decoder.", "model.decoder."}};
  for (LayerSpec& layer : model.layers) layer.norms_sum = !before;
  return model;
}

}  // namespace

extern const Family kOpt;
const Family kOpt{"opt", "OPTForCausalLM", &read};

}  // namespace pst::families
