// SPDX-License-Identifier: Apache-2.0
// Command R7B and A: three layers of four see a window, and only these turn.
#include "families/cohere_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers Cohere2Config
ModelSpec read(const json::Object& config) {
  ModelSpec model = read_cohere(config, 10000, 8192);
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto sliding = read_sliding_pattern(config, model.layers.size(), 4);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    AttentionSpec& attention = model.layers[i].attention;
    if (sliding[i])
      attention.window = window;
    else
      attention.rope.reset();
  }
  return model;
}

constexpr std::array<GgufKey, 2> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"logit_scale", GgufKey::Kind::real, "logit_scale"}}};
constexpr GgufNames kGguf{.architecture = "cohere2",
                          .layer_parts = kGgufPlainParts,
                          .eps = gguf_layer_norm_eps("layer_norm_eps"),
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu"})",
                          .window_pattern = 4};

}  // namespace

extern const Family kCohere2;
const Family kCohere2{"cohere2", "Cohere2ForCausalLM", &read, &kGguf};

}  // namespace pst::families
