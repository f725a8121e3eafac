// SPDX-License-Identifier: Apache-2.0
// Phi 3, 3.5 and 4: two of llama's groups of products are one each.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers Phi3Config
ModelSpec read(const json::Object& config) {
  for (const char* const dropout : {"resid_pdrop", "embd_pdrop"}) refuse_dropout(config, dropout);
  for (const char* const key : {"full_attn_mod", "interpolate_factor"})  // in Phi-4-mini's file; nothing reads them
    config.find(key);
  DecoderOptions options{.absent = {.positions = 4096, .eps = 1e-5}, .fused = AttentionSpec::Fused::stacked};
  options.names.qkv = "self_attn.qkv_proj";
  options.names.gate_up = "mlp.gate_up_proj";
  options.window = config.size("sliding_window");
  config.size("original_max_position_embeddings");  // counts where rotary positions are scaled
  return read_decoder(config, options);
}

constexpr std::array<GgufPart, 6> kParts = {{kGgufAttentionNorm,
                                             {"self_attn.qkv_proj", "attn_qkv"},
                                             kGgufO,
                                             kGgufMlpNorm,
                                             {"mlp.gate_up_proj", "ffn_up"},
                                             kGgufDown}};
constexpr GgufNames kGguf{.architecture = "phi3",
                          .layer_parts = kParts,
                          .fixed = R"({"hidden_act": "silu"})",
                          .rope = {.part = "partial_rotary_factor"},
                          .window_pattern = 1};

}  // namespace

extern const Family kPhi3;
const Family kPhi3{"phi3", "Phi3ForCausalLM", &read, &kGguf};

}  // namespace pst::families
