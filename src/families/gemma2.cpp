// SPDX-License-Identifier: Apache-2.0
// Gemma 2: every other layer sees a window; scores and logits are capped.
#include "families/family.hpp"
#include "families/gemma_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Gemma2Config
ModelSpec read(const json::Object& config) {
  DecoderOptions options = gemma_sandwich_options();
  options.absent.key_value_heads = 4;
  ModelSpec model = read_gemma(config, options);
  read_gemma_scales(config, model, 30);
  const double cap = read_cap(config, "attn_logit_softcapping", 50);
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto sliding = read_sliding(config, model.layers.size(), [](std::size_t i) { return i % 2 == 0; });
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    model.layers[i].attention.cap = cap;
    if (sliding[i]) model.layers[i].attention.window = window;
  }
  return model;
}

}  // namespace

extern const Family kGemma2;
const Family kGemma2{"gemma2", "Gemma2ForCausalLM", &read};

}  // namespace pst::families
