// SPDX-License-Identifier: Apache-2.0
// ERNIE 4.5, dense: features that turn together are neighbours.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers Ernie4_5Config
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("use_bias");
  return read_decoder(
      config,
      {.absent =
           {.positions = 131072, .key_value_heads = 2, .head_dim = 128, .eps = 1e-5, .theta = 500000, .tied = true},
       .attention_bias = bias,
       .output_bias = bias,
       .mlp_bias = bias,
       .neighbours = true});
}

constexpr std::array<GgufKey, 1> kKeys = {{{"use_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"}}};
constexpr GgufNames kGguf{
    .architecture = "ernie4_5", .layer_parts = kGgufPlainParts, .more = kKeys, .fixed = R"({"hidden_act": "silu"})"};

}  // namespace

extern const Family kErnie45;
const Family kErnie45{"ernie4_5", "Ernie4_5ForCausalLM", &read, &kGguf};

}  // namespace pst::families
