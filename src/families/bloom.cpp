// SPDX-License-Identifier: Apache-2.0
// BLOOM: no positions but the slopes of scores, and a norm behind the embedding.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers BloomConfig
ModelSpec read(const json::Object& config) {
  refuse_dropout(config, "hidden_dropout");
  if (config.flag("apply_residual_connection_post_layernorm"))
    config.refuse("apply_residual_connection_post_layernorm", "is true, which is not supported");
  for (const char* const key :
       {"slow_but_exact", "seq_length", "masked_softmax_fusion", "bias_dropout_fusion", "attention_softmax_in_fp32",
        "offset_alibi", "skip_bias_add", "skip_bias_add_qkv", "unk_token_id"})
    config.find(key);
  const char* const hidden = config.find("n_embed") ? "n_embed" : "hidden_size";
  const char* const heads = config.find("num_attention_heads") ? "num_attention_heads" : "n_head";
  const char* const layers = config.find("num_hidden_layers") ? "num_hidden_layers" : "n_layer";
  DecoderOptions options{.keys = {.hidden = hidden, .layers = layers, .heads = heads, .eps = "layer_norm_epsilon"},
                         .absent = {.positions = 2048,
                                    .inner = 4 * config.needed_size(hidden),
                                    .eps = 1e-5,
                                    .tied = true,
                                    .act = "gelu_new"},
                         .prefix = "transformer.",
                         .layers = "h",
                         .embedding = "word_embeddings",
                         .final_norm = "ln_f",
                         .attention_bias = true,
                         .output_bias = true,
                         .mlp_bias = true,
                         .norms_centred = true,
                         .norm_bias = true,
                         .fused = AttentionSpec::Fused::by_head,
                         .gated_mlp = false,
                         .turns = false};
  options.names.qkv = "self_attention.query_key_value";
  options.names.o = "self_attention.dense";
  options.names.up = "mlp.dense_h_to_4h";
  options.names.down = "mlp.dense_4h_to_h";
  ModelSpec model = read_decoder(config, options);
  model.embedding_norm =
      norm_like("transformer.word_embeddings_layernorm", model.hidden, model.final_norm->eps, options);
  model.renamed = {{"word_embeddings.", "transformer.word_embeddings."},
                   {"word_embeddings_layernorm.", "transformer.word_embeddings_layernorm."},
                   {"h.", "transformer.h."},
                   {"ln_f.", "transformer.ln_f."}};
  for (LayerSpec& layer : model.layers) layer.attention.alibi = true;
  return model;
}

constexpr std::array<GgufPart, 6> kParts = {{kGgufAttentionNorm,
                                             {"self_attention.query_key_value", "attn_qkv", GgufRows::thirds},
                                             {"self_attention.dense", "attn_output"},
                                             kGgufMlpNorm,
                                             {"mlp.dense_h_to_4h", "ffn_up"},
                                             {"mlp.dense_4h_to_h", "ffn_down"}}};
constexpr std::array<GgufKey, 4> kSizes = {{kGgufSizes[0],
                                            {"n_layer", GgufKey::Kind::size, "block_count"},
                                            {"n_head", GgufKey::Kind::size, "attention.head_count"},
                                            {"seq_length", GgufKey::Kind::size, "context_length"}}};
constexpr GgufNames kGguf{.architecture = "bloom",
                          .layer_parts = kParts,
                          .sizes = kSizes,
                          .eps = gguf_layer_norm_eps("layer_norm_epsilon"),
                          .rope = {.turns = false}};

}  // namespace

extern const Family kBloom;
const Family kBloom{"bloom", "BloomForCausalLM", &read, &kGguf};

}  // namespace pst::families
