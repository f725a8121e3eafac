// SPDX-License-Identifier: Apache-2.0
// Qwen 3: heads are normed before they turn.
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/qwen_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Qwen3Config
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias");
  ModelSpec model = read_decoder(config, {.absent = {.positions = 32768, .key_value_heads = 32, .head_dim = 128},
                                          .attention_bias = bias,
                                          .output_bias = bias});
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    add_head_norms(model.layers[i], layer_prefix(i), model.final_norm->eps);
  read_qwen_windows(config, model);
  return model;
}

constexpr std::array<GgufKey, 1> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"}}};
constexpr GgufNames kGguf{.architecture = "qwen3",
                          .layer_parts = kGgufPlainParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu", "use_sliding_window": false})"};

}  // namespace

extern const Family kQwen3;
const Family kQwen3{"qwen3", "Qwen3ForCausalLM", &read, &kGguf};

}  // namespace pst::families
