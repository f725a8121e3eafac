// SPDX-License-Identifier: Apache-2.0
// Ministral 8B: Mistral with windows in some layers.
#include "families/decoder_config.hpp"
#include "families/family.hpp"

namespace pst::families {
namespace {

/// @see transformers MinistralConfig
ModelSpec read(const json::Object& config) {
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  ModelSpec model = read_decoder(config, {.absent = {.positions = 131072, .key_value_heads = 8}});
  const bool windowed = !config.has("sliding_window") || config.find("sliding_window");
  const auto sliding = read_sliding(config, model.layers.size(), [](std::size_t) { return true; });
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (windowed && sliding[i]) model.layers[i].attention.window = window;
  return model;
}

}  // namespace

extern const Family kMinistral;
const Family kMinistral{"ministral", "MinistralForCausalLM", &read};

}  // namespace pst::families
