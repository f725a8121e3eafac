// SPDX-License-Identifier: Apache-2.0
// Llama 2 and 3, and models that are one by another name: SmolLM2, TinyLlama, Yi.
#include <array>

#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers LlamaConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  return read_decoder(config, {.attention_bias = bias, .output_bias = bias, .mlp_bias = config.flag("mlp_bias")});
}

/// @see llama.cpp convert_hf_to_gguf.py, LlamaModel
constexpr std::array<GgufNames::Part, 9> kParts = {{{"input_layernorm", "attn_norm"},
                                                    {"self_attn.q_proj", "attn_q"},
                                                    {"self_attn.k_proj", "attn_k"},
                                                    {"self_attn.v_proj", "attn_v"},
                                                    {"self_attn.o_proj", "attn_output"},
                                                    {"post_attention_layernorm", "ffn_norm"},
                                                    {"mlp.gate_proj", "ffn_gate"},
                                                    {"mlp.up_proj", "ffn_up"},
                                                    {"mlp.down_proj", "ffn_down"}}};
constexpr GgufNames kGguf{.architecture = "llama", .layer_parts = kParts, .permuted_heads = true};

}  // namespace

extern const Family kLlama;
const Family kLlama{"llama", "LlamaForCausalLM", &read, &kGguf};

}  // namespace pst::families
