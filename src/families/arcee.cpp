// SPDX-License-Identifier: Apache-2.0
// Arcee's AFM: llama with an MLP without a gate.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers ArceeConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  return read_decoder(config, {.absent = {.positions = 4096, .eps = 1e-5, .act = "relu2"},
                               .attention_bias = bias,
                               .output_bias = bias,
                               .mlp_bias = config.flag("mlp_bias"),
                               .gated_mlp = false});
}

constexpr std::array<GgufKey, 2> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"mlp_bias", GgufKey::Kind::tensor, "blk.0.ffn_up.bias"}}};
constexpr GgufNames kGguf{
    .architecture = "arcee", .layer_parts = kGgufTurnedParts, .more = kKeys, .fixed = R"({"hidden_act": "relu2"})"};

}  // namespace

extern const Family kArcee;
const Family kArcee{"arcee", "ArceeForCausalLM", &read, &kGguf};

}  // namespace pst::families
