// SPDX-License-Identifier: Apache-2.0
// Gemma: norms store their weights less one, and embeddings are scaled.
#include "families/family.hpp"
#include "families/gemma_config.hpp"

namespace pst::families {
namespace {

/// @see transformers GemmaConfig: of both keys for the activation the older one counts, and its "gelu" means the
/// approximation with tanh
ModelSpec read(const json::Object& config) {
  DecoderOptions options = gemma_options();
  options.absent.key_value_heads = 16;
  options.keys.act = "hidden_act";
  return read_gemma(config, options);
}

}  // namespace

extern const Family kGemma;
const Family kGemma{"gemma", "GemmaForCausalLM", &read};

}  // namespace pst::families
