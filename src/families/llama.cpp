// SPDX-License-Identifier: Apache-2.0
// Llama 2 and 3, and models that are one by another name: SmolLM2, TinyLlama, Yi.
#include <array>

#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers LlamaConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  return read_decoder(config, {.attention_bias = bias, .output_bias = bias, .mlp_bias = config.flag("mlp_bias")});
}

constexpr std::array<GgufKey, 2> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"mlp_bias", GgufKey::Kind::tensor, "blk.0.ffn_gate.bias"}}};
constexpr GgufNames kGguf{
    .architecture = "llama", .layer_parts = kGgufTurnedParts, .more = kKeys, .fixed = R"({"hidden_act": "silu"})"};

}  // namespace

extern const Family kLlama;
const Family kLlama{"llama", "LlamaForCausalLM", &read, &kGguf};

}  // namespace pst::families
