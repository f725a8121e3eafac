// SPDX-License-Identifier: Apache-2.0
// Phi 3, 3.5 and 4: two of llama's groups of products are one each.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

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

}  // namespace

extern const Family kPhi3;
const Family kPhi3{"phi3", "Phi3ForCausalLM", &read};

}  // namespace pst::families
