// SPDX-License-Identifier: Apache-2.0
// Command R and R+.
#include "families/cohere_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"

namespace pst::families {
namespace {

/// @see transformers CohereConfig
ModelSpec read(const json::Object& config) {
  ModelSpec model = read_cohere(config, 500000, 8192);
  if (!config.flag("use_qk_norm")) return model;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    AttentionSpec& attention = model.layers[i].attention;
    const auto norm = [&](const char* name, std::int64_t heads) {
      return NormSpec{.name = layer_prefix(i) + "self_attn." + name,
                      .width = attention.head_dim,
                      .eps = model.final_norm->eps,
                      .centred = true,
                      .weights = heads};
    };
    attention.q_norm = norm("q_norm", attention.query_heads);
    attention.k_norm = norm("k_norm", attention.key_value_heads);
  }
  return model;
}

constexpr std::array<GgufKey, 3> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"use_qk_norm", GgufKey::Kind::tensor, "blk.0.attn_q_norm.weight"},
                                           {"logit_scale", GgufKey::Kind::real, "logit_scale"}}};
constexpr GgufNames kGguf{.architecture = "command-r",
                          .layer_parts = kGgufPlainParts,
                          .eps = gguf_layer_norm_eps("layer_norm_eps"),
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu"})"};

}  // namespace

extern const Family kCohere;
const Family kCohere{"cohere", "CohereForCausalLM", &read, &kGguf};

}  // namespace pst::families
