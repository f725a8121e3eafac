// SPDX-License-Identifier: Apache-2.0
// StarCoder 2: LayerNorms, an MLP without a gate, biases everywhere.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers Starcoder2Config
ModelSpec read(const json::Object& config) {
  for (const char* const dropout : {"residual_dropout", "embedding_dropout"}) refuse_dropout(config, dropout);
  const bool bias = config.flag("use_bias", true);
  DecoderOptions options{
      .keys = {.eps = "norm_epsilon"},
      .absent = {.positions = 4096, .key_value_heads = 2, .eps = 1e-5, .tied = true, .act = "gelu_pytorch_tanh"},
      .attention_bias = bias,
      .output_bias = bias,
      .mlp_bias = bias,
      .norms_centred = true,
      .norm_bias = true,
      .gated_mlp = false};
  options.names.up = "mlp.c_fc";
  options.names.down = "mlp.c_proj";
  options.window = config.size("sliding_window");
  config.find("mlp_type");
  config.find("norm_type");
  return read_decoder(config, options);
}

constexpr std::array<GgufPart, 8> kParts = {{kGgufAttentionNorm,
                                             kGgufQ,
                                             kGgufK,
                                             kGgufV,
                                             kGgufO,
                                             kGgufMlpNorm,
                                             {"mlp.c_fc", "ffn_up"},
                                             {"mlp.c_proj", "ffn_down"}}};
constexpr std::array<GgufKey, 1> kKeys = {{{"use_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"}}};
constexpr GgufNames kGguf{.architecture = "starcoder2",
                          .layer_parts = kParts,
                          .eps = gguf_layer_norm_eps("norm_epsilon"),
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "gelu_pytorch_tanh", "sliding_window": null})"};

}  // namespace

extern const Family kStarcoder2;
const Family kStarcoder2{"starcoder2", "Starcoder2ForCausalLM", &read, &kGguf};

}  // namespace pst::families
