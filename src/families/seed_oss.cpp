// SPDX-License-Identifier: Apache-2.0
// Seed-OSS: llama with biases on queries, keys and values.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers SeedOssConfig
ModelSpec read(const json::Object& config) {
  refuse_absent_dropout(config, "residual_dropout", 0.1);
  refuse_absent_dropout(config, "attention_dropout", 0.1);
  return read_decoder(config, {.absent = {.positions = 524288, .key_value_heads = 8, .head_dim = 128},
                               .attention_bias = config.flag("attention_bias", true),
                               .output_bias = config.flag("attention_out_bias"),
                               .mlp_bias = config.flag("mlp_bias")});
}

}  // namespace

extern const Family kSeedOss;
const Family kSeedOss{"seed_oss", "SeedOssForCausalLM", &read};

}  // namespace pst::families
