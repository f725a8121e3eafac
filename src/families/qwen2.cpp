// SPDX-License-Identifier: Apache-2.0
// Qwen 2 and 2.5: llama with biases on queries, keys and values.
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/qwen_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Qwen2Config
ModelSpec read(const json::Object& config) {
  ModelSpec model =
      read_decoder(config, {.absent = {.positions = 32768, .key_value_heads = 32}, .attention_bias = true});
  read_qwen_windows(config, model);
  return model;
}

constexpr GgufNames kGguf{.architecture = "qwen2",
                          .layer_parts = kGgufPlainParts,
                          .fixed = R"({"hidden_act": "silu", "use_sliding_window": false})"};

}  // namespace

extern const Family kQwen2;
const Family kQwen2{"qwen2", "Qwen2ForCausalLM", &read, &kGguf};

}  // namespace pst::families
