// SPDX-License-Identifier: Apache-2.0
// Mistral 7B and Nemo: llama with a window, which newer models turn off.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers MistralConfig: a window of 4096 where the key is absent, none where it is null; no biases
ModelSpec read(const json::Object& config) {
  std::optional<std::int64_t> window = config.size("sliding_window");
  if (!config.has("sliding_window")) window = 4096;
  return read_decoder(config, {.absent = {.positions = 131072, .key_value_heads = 8}, .window = window});
}

}  // namespace

extern const Family kMistral;
const Family kMistral{"mistral", "MistralForCausalLM", &read};  // llama.cpp's files of it say that they are llama's

}  // namespace pst::families
