// SPDX-License-Identifier: Apache-2.0
// Gemma: norms store their weights less one, and embeddings are scaled.
#include "families/family.hpp"
#include "families/gemma_config.hpp"
#include "families/gguf_names.hpp"

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

constexpr GgufNames kGguf{.architecture = "gemma",
                          .layer_parts = kGgufPlainParts,
                          .fixed = R"({"hidden_act": "gelu_pytorch_tanh", "attention_bias": false})"};

}  // namespace

extern const Family kGemma;
const Family kGemma{"gemma", "GemmaForCausalLM", &read, &kGguf};

}  // namespace pst::families
