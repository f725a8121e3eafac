// SPDX-License-Identifier: Apache-2.0
// GPT-2: learned positions, matrices that lie the other way round.
#include <cmath>

#include "core/strings.hpp"
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// transformers' Conv1D stores [in, out].
void turn_round(LinearSpec& linear) {
  linear.weight_place = weights::Place{
      .tensor = linear.name + ".weight", .first = 0, .out_step = 1, .in_step = linear.out, .exponents = {}};
}

/// @see transformers GPT2Config
ModelSpec read(const json::Object& config) {
  for (const char* const dropout : {"attn_pdrop", "embd_pdrop", "resid_pdrop"})
    refuse_absent_dropout(config, dropout, 0.1);
  if (!config.flag("scale_attn_weights", true)) config.refuse("scale_attn_weights", "is false, which is not supported");
  for (const char* const key : {"summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type",
                                "summary_use_proj", "reorder_and_upcast_attn", "n_ctx"})
    config.find(key);
  DecoderOptions options{.keys = {.hidden = "n_embd",
                                  .inner = "n_inner",
                                  .layers = "n_layer",
                                  .heads = "n_head",
                                  .positions = "n_positions",
                                  .eps = "layer_norm_epsilon",
                                  .act = "activation_function"},
                         .absent = {.positions = 1024,
                                    .inner = 4 * config.needed_size("n_embd"),
                                    .eps = 1e-5,
                                    .tied = true,
                                    .act = "gelu_new"},
                         .prefix = "transformer.",
                         .layers = "h",
                         .embedding = "wte",
                         .final_norm = "ln_f",
                         .attention_bias = true,
                         .output_bias = true,
                         .mlp_bias = true,
                         .norms_centred = true,
                         .norm_bias = true,
                         .fused = AttentionSpec::Fused::stacked,
                         .gated_mlp = false,
                         .turns = false};
  options.names.attention_norm = "ln_1";
  options.names.mlp_norm = "ln_2";
  options.names.qkv = "attn.c_attn";
  options.names.o = "attn.c_proj";
  options.names.up = "mlp.c_fc";
  options.names.down = "mlp.c_proj";
  ModelSpec model = read_decoder(config, options);
  model.position_table = PositionTable{.name = "transformer.wpe", .rows = model.positions};
  // The first releases have neither the prefix nor, in their files, names for it; and masks as tensors.
  model.renamed = {{"wte.", "transformer.wte."},
                   {"wpe.", "transformer.wpe."},
                   {"h.", "transformer.h."},
                   {"ln_f.", "transformer.ln_f."}};
  const bool by_layer = config.flag("scale_attn_by_inverse_layer_idx");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    for (LinearSpec* const linear :
         {&layer.attention.inputs[0], &layer.attention.o, &layer.mlp.inputs[0], &layer.mlp.down})
      turn_round(*linear);
    for (const char* const mask : {"attn.bias", "attn.masked_bias"})
      model.left_aside.push_back(cat("transformer.h.", i, ".", mask));
    if (by_layer)
      layer.attention.scale = 1 / std::sqrt(static_cast<double>(layer.attention.head_dim)) / static_cast<double>(i + 1);
  }
  return model;
}

constexpr std::array<GgufPart, 6> kParts = {{{"ln_1", "attn_norm"},
                                             {"attn.c_attn", "attn_qkv", GgufRows::columns},
                                             {"attn.c_proj", "attn_output", GgufRows::columns},
                                             {"ln_2", "ffn_norm"},
                                             {"mlp.c_fc", "ffn_up", GgufRows::columns},
                                             {"mlp.c_proj", "ffn_down", GgufRows::columns}}};
constexpr std::array<GgufKey, 5> kSizes = {{{"n_embd", GgufKey::Kind::size, "embedding_length"},
                                            {"n_inner", GgufKey::Kind::size, "feed_forward_length"},
                                            {"n_layer", GgufKey::Kind::size, "block_count"},
                                            {"n_head", GgufKey::Kind::size, "attention.head_count"},
                                            {"n_positions", GgufKey::Kind::size, "context_length"}}};
constexpr GgufNames kGguf{
    .architecture = "gpt2",
    .layer_parts = kParts,
    .sizes = kSizes,
    .eps = gguf_layer_norm_eps("layer_norm_epsilon"),
    .fixed = R"({"activation_function": "gelu_new", "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0})",
    .rope = {.turns = false}};

}  // namespace

extern const Family kGpt2;
const Family kGpt2{"gpt2", "GPT2LMHeadModel", &read, &kGguf};

}  // namespace pst::families
