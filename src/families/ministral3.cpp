// SPDX-License-Identifier: Apache-2.0
// Ministral 3: yarn, and queries that grow with their position.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers Ministral3Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options{
      .absent = {.positions = 262144, .key_value_heads = 8, .head_dim = 128, .eps = 1e-5, .theta = 1e6}};
  options.window = config.size("sliding_window");
  return read_decoder(config, options);
}

}  // namespace

extern const Family kMinistral3;
const Family kMinistral3{"ministral3", "Ministral3ForCausalLM", &read};

}  // namespace pst::families
