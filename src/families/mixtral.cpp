// SPDX-License-Identifier: Apache-2.0
// Mixtral: Mistral with a mixture of experts.
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// @see transformers MixtralConfig
ModelSpec read(const json::Object& config) {
  DecoderOptions options{.absent = {.positions = 131072, .key_value_heads = 8, .eps = 1e-5, .theta = 1e6}};
  options.window = config.size("sliding_window");
  ModelSpec model = read_decoder(config, options);
  read_balance(config, model);
  const std::int64_t experts = read_expert_count(config, 8), chosen = read_chosen(config, experts, 2);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    MoeSpec moe{.chosen = chosen, .inner = layer.mlp.inner, .normalised = true, .act = layer.mlp.act};
    add_experts(moe, layer_prefix(i) + "block_sparse_moe.experts.", experts, model.hidden, {"w1", "w3", "w2"});
    stack_experts(moe, layer_prefix(i) + "mlp.experts");
    add_router(moe, layer_prefix(i) + "block_sparse_moe.gate", model.hidden);
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
  return model;
}

constexpr std::array<GgufPart, 10> kParts = {{kGgufAttentionNorm,
                                              kGgufTurnedQ,
                                              kGgufTurnedK,
                                              kGgufV,
                                              kGgufO,
                                              kGgufMlpNorm,
                                              {"block_sparse_moe.gate", "ffn_gate_inp"},
                                              {"block_sparse_moe.experts.*.w1", "ffn_gate_exps"},
                                              {"block_sparse_moe.experts.*.w3", "ffn_up_exps"},
                                              {"block_sparse_moe.experts.*.w2", "ffn_down_exps"}}};
constexpr std::array<GgufKey, 2> kKeys = {{{"num_local_experts", GgufKey::Kind::size, "expert_count"},
                                           {"num_experts_per_tok", GgufKey::Kind::size, "expert_used_count"}}};
constexpr GgufNames kGguf{.architecture = "llama",
                          .when = "expert_count",
                          .layer_parts = kParts,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu", "sliding_window": null})"};

}  // namespace

extern const Family kMixtral;
const Family kMixtral{"mixtral", "MixtralForCausalLM", &read, &kGguf};

}  // namespace pst::families
