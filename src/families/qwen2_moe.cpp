// SPDX-License-Identifier: Apache-2.0
// Qwen 1.5 and 2 with a mixture of experts, one of which every row takes.
#include <nlohmann/json.hpp>

#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// Windows where `use_sliding_window` says so: of the layers that `layer_types` names, or else of even layers before
/// `max_window_layers`, which is what transformers computes for this type.
void read_windows(const json::Object& config, ModelSpec& model) {
  const json::Value* const until = config.find("max_window_layers");
  const std::size_t end = until && until->is_number_unsigned() ? until->get<std::size_t>() : 28;
  if (!config.flag("use_sliding_window")) {
    for (const char* const key : {"sliding_window", "layer_types"}) config.find(key);  // they say nothing then
    return;
  }
  const std::int64_t window = config.size("sliding_window").value_or(4096);
  const auto listed =
      config.find("layer_types") ? read_sliding(config, model.layers.size(), nullptr) : std::vector<bool>();
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (listed.empty() ? i % 2 == 0 && i < end : listed[i]) model.layers[i].attention.window = window;
}

/// @see transformers Qwen2MoeConfig
ModelSpec read(const json::Object& config) {
  ModelSpec model = read_decoder(config, {.absent = {.positions = 32768, .key_value_heads = 16, .inner = 5632},
                                          .attention_bias = config.flag("qkv_bias", true)});
  read_balance(config, model);
  const std::int64_t experts = read_expert_count(config, 60), chosen = read_chosen(config, experts, 4);
  const std::int64_t inner = config.size("moe_intermediate_size").value_or(1408);
  const std::int64_t shared = config.size("shared_expert_intermediate_size").value_or(5632);
  const bool normalised = config.flag("norm_topk_prob");
  read_windows(config, model);
  const auto sparse = read_sparse_layers(config, model.layers.size());
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    if (!sparse[i]) continue;
    const std::string prefix = layer_prefix(i) + "mlp.";
    MoeSpec moe{.chosen = chosen, .inner = inner, .normalised = normalised, .act = layer.mlp.act};
    add_experts(moe, prefix + "experts.", experts, model.hidden);
    add_router(moe, prefix + "gate", model.hidden);
    add_shared(moe, prefix + "shared_expert.", shared, model.hidden);
    moe.shared_gate =
        LinearSpec{.name = prefix + "shared_expert_gate", .out = 1, .in = model.hidden, .reads = Reads::mlp_input};
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
  return model;
}

constexpr std::array<GgufPart, 14> kParts = {{kGgufAttentionNorm,
                                              kGgufQ,
                                              kGgufK,
                                              kGgufV,
                                              kGgufO,
                                              kGgufMlpNorm,
                                              kGgufRouter,
                                              kGgufExpertGate,
                                              kGgufExpertUp,
                                              kGgufExpertDown,
                                              {"mlp.shared_expert.gate_proj", "ffn_gate_shexp"},
                                              {"mlp.shared_expert.up_proj", "ffn_up_shexp"},
                                              {"mlp.shared_expert.down_proj", "ffn_down_shexp"},
                                              {"mlp.shared_expert_gate", "ffn_gate_inp_shexp"}}};
constexpr std::array<GgufKey, 5> kKeys = {
    {{"qkv_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
     {"num_experts", GgufKey::Kind::size, "expert_count"},
     {"num_experts_per_tok", GgufKey::Kind::size, "expert_used_count"},
     {"moe_intermediate_size", GgufKey::Kind::size, "expert_feed_forward_length"},
     {"shared_expert_intermediate_size", GgufKey::Kind::size, "expert_shared_feed_forward_length"}}};
constexpr GgufNames kGguf{
    .architecture = "qwen2moe",
    .layer_parts = kParts,
    .more = kKeys,
    .fixed = R"({"hidden_act": "silu", "norm_topk_prob": false, "decoder_sparse_step": 1, "mlp_only_layers": [],)"
             R"( "use_sliding_window": false})"};

}  // namespace

extern const Family kQwen2Moe;
const Family kQwen2Moe{"qwen2_moe", "Qwen2MoeForCausalLM", &read, &kGguf};

}  // namespace pst::families
