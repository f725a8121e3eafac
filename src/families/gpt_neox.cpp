// SPDX-License-Identifier: Apache-2.0
// GPT-NeoX and Pythia: attention and MLP side by side, each behind a norm of its own.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers GPTNeoXConfig
ModelSpec read(const json::Object& config) {
  for (const char* const dropout : {"hidden_dropout", "attention_dropout"}) refuse_dropout(config, dropout);
  config.find("classifier_dropout");
  const bool bias = config.flag("attention_bias", true);
  DecoderOptions options{.keys = {.eps = "layer_norm_eps"},
                         .absent = {.positions = 2048,
                                    .eps = 1e-5,
                                    .theta = config.positive("rotary_emb_base").value_or(10000),
                                    .rotary_part = config.positive("rotary_pct").value_or(0.25),
                                    .act = "gelu"},
                         .prefix = "gpt_neox.",
                         .embedding = "embed_in",
                         .final_norm = "final_layer_norm",
                         .head = "embed_out",
                         .attention_bias = bias,
                         .output_bias = bias,
                         .mlp_bias = true,
                         .norms_centred = true,
                         .norm_bias = true,
                         .fused = AttentionSpec::Fused::by_head,
                         .gated_mlp = false};
  options.names.qkv = "attention.query_key_value";
  options.names.o = "attention.dense";
  options.names.up = "mlp.dense_h_to_4h";
  options.names.down = "mlp.dense_4h_to_h";
  ModelSpec model = read_decoder(config, options);
  const bool parallel = config.flag("use_parallel_residual", true);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    model.layers[i].parallel = parallel;
    for (const char* const buffer : {"attention.bias", "attention.masked_bias", "attention.rotary_emb.inv_freq"})
      model.left_aside.push_back(cat("gpt_neox.layers.", i, ".", buffer));
  }
  return model;
}

constexpr std::array<GgufPart, 6> kParts = {{kGgufAttentionNorm,
                                             {"attention.query_key_value", "attn_qkv", GgufRows::thirds},
                                             {"attention.dense", "attn_output"},
                                             kGgufMlpNorm,
                                             {"mlp.dense_h_to_4h", "ffn_up"},
                                             {"mlp.dense_4h_to_h", "ffn_down"}}};
constexpr std::array<GgufKey, 5> kSizes = {kGgufSizes[0], kGgufSizes[1], kGgufSizes[2], kGgufSizes[3], kGgufSizes[6]};
constexpr std::array<GgufKey, 2> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_qkv.bias"},
                                           {"use_parallel_residual", GgufKey::Kind::flag, "use_parallel_residual"}}};
constexpr GgufNames kGguf{.architecture = "gptneox",
                          .layer_parts = kParts,
                          .sizes = kSizes,
                          .eps = gguf_layer_norm_eps("layer_norm_eps"),
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "gelu"})",
                          .rope = {.theta = "rotary_emb_base", .part = "rotary_pct"}};

}  // namespace

extern const Family kGptNeox;
const Family kGptNeox{"gpt_neox", "GPTNeoXForCausalLM", &read, &kGguf};

}  // namespace pst::families
