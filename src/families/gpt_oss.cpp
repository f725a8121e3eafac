// SPDX-License-Identifier: Apache-2.0
// gpt-oss: sinks, a window in every other layer, and experts that lie side by side in one tensor, as numbers or in
// MXFP4.
#include <nlohmann/json.hpp>

#include "core/strings.hpp"
#include "families/family.hpp"
#include "families/gguf_names.hpp"
#include "families/moe_config.hpp"
#include "families/qwen_config.hpp"

namespace pst::families {
namespace {

bool is_mxfp4(const json::Object& config) {
  if (!config.find("quantization_config")) return false;
  return config.inner("quantization_config").text("quant_method") == "mxfp4";
}

/// Of one layer's experts: `gate_up_proj` has gates in its even and ups in its odd outputs. Numbers lie as [experts,
/// in, out], MXFP4 as [experts, out, in / 32 blocks].
struct Stored {
  std::string prefix;  // model.layers.0.mlp.experts.
  std::int64_t experts = 0, hidden = 0, inner = 0;
  bool mxfp4 = false;

  weights::Place weight(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t expert,
                        std::int64_t first, std::int64_t step) const {
    const std::string tensor = prefix + name;
    if (mxfp4)
      return {.tensor = tensor + "_blocks",
              .first = (expert * out + first) * in,
              .out_step = step * in,
              .in_step = 1,
              .exponents = tensor + "_scales"};
    return {.tensor = tensor, .first = expert * out * in + first, .out_step = step, .in_step = out, .exponents = {}};
  }
  LinearSpec linear(const std::string& module, const std::string& name, std::int64_t all_out, std::int64_t out,
                    std::int64_t in, std::int64_t expert, std::int64_t first, std::int64_t step) const {
    return {.name = cat(prefix, expert, ".", module),
            .out = out,
            .in = in,
            .bias = true,
            .weight_place = weight(name, all_out, in, expert, first, step),
            .bias_place = weights::Place{.tensor = prefix + name + "_bias",
                                         .first = expert * all_out + first,
                                         .out_step = step,
                                         .in_step = 0,
                                         .exponents = {}}};
  }
  void add(MoeSpec& moe) const {
    for (std::int64_t e = 0; e < experts; ++e)
      moe.experts.push_back({.gate = linear("gate_proj", "gate_up_proj", 2 * inner, inner, hidden, e, 0, 2),
                             .up = linear("up_proj", "gate_up_proj", 2 * inner, inner, hidden, e, 1, 2),
                             .down = linear("down_proj", "down_proj", hidden, hidden, inner, e, 0, 1)});
    stack_experts(moe, prefix.substr(0, prefix.size() - 1), GateUp::by_turns);
    const auto tensors = [&](const char* name, std::int64_t out, std::int64_t in) {
      if (mxfp4) {
        moe.stored.push_back({cat(prefix, name, "_blocks"), {experts, out, in / 32, 16}});
        moe.stored.push_back({cat(prefix, name, "_scales"), {experts, out, in / 32}});
      } else {
        moe.stored.push_back({cat(prefix, name), {experts, in, out}});
      }
      moe.stored.push_back({cat(prefix, name, "_bias"), {experts, out}});
    };
    tensors("gate_up_proj", 2 * inner, hidden);
    tensors("down_proj", hidden, inner);
  }
};

/// @see transformers GptOssConfig
ModelSpec read(const json::Object& config) {
  const bool bias = config.flag("attention_bias", true);
  ModelSpec model = read_decoder(
      config, {.absent = {.positions = 131072, .key_value_heads = 8, .head_dim = 64, .eps = 1e-5, .theta = 150000},
               .attention_bias = bias,
               .output_bias = bias});
  read_balance(config, model);
  if (const auto alpha = config.positive("swiglu_alpha"); alpha && *alpha != 1.702)
    config.refuse("swiglu_alpha", cat("is ", number(*alpha), "; supported is 1.702"));
  const double limit = config.positive("swiglu_limit").value_or(7);
  const std::int64_t window = config.size("sliding_window").value_or(128);
  const std::int64_t experts = read_expert_count(config, 128), chosen = read_chosen(config, experts, 4);
  for (const char* const key : {"experts_per_token", "initial_context_length"}) config.find(key);  // said twice
  const auto sliding = read_sliding(config, model.layers.size(), [](std::size_t i) { return i % 2 == 0; });
  Stored stored{.prefix = {},
                .experts = experts,
                .hidden = model.hidden,
                .inner = model.layers[0].mlp.inner,
                .mxfp4 = is_mxfp4(config)};
  if (stored.mxfp4 && (stored.hidden % 32 != 0 || stored.inner % 32 != 0))
    config.refuse("quantization_config", "is MXFP4, whose blocks of 32 do not fit hidden_size and intermediate_size");
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    if (sliding[i]) layer.attention.window = window;
    layer.attention.sinks = layer_prefix(i) + "self_attn.sinks";
    MoeSpec moe{.chosen = chosen,
                .inner = layer.mlp.inner,
                .softmax_of_chosen = true,
                .act = kernels::Act::clamped,
                .limit = limit};
    stored.prefix = layer_prefix(i) + "mlp.experts.";
    stored.add(moe);
    add_router(moe, layer_prefix(i) + "mlp.router", model.hidden, /*bias=*/true);
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
  return model;
}

/// The file has gates and ups apart, and rows where Hugging Face has columns.
constexpr std::array<GgufPart, 12> kParts = {
    {kGgufAttentionNorm,
     kGgufQ,
     kGgufK,
     kGgufV,
     kGgufO,
     {"self_attn.sinks", "attn_sinks.weight"},
     {"post_attention_layernorm", "post_attention_norm"},
     {"mlp.router", "ffn_gate_inp"},
     {"mlp.experts.gate_up_proj", "ffn_gate_exps.weight", GgufRows::columns, "ffn_up_exps.weight", true},
     {"mlp.experts.gate_up_proj_bias", "ffn_gate_exps.bias", GgufRows::same, "ffn_up_exps.bias", true},
     {"mlp.experts.down_proj", "ffn_down_exps.weight", GgufRows::columns},
     {"mlp.experts.down_proj_bias", "ffn_down_exps.bias"}}};
constexpr std::array<GgufKey, 3> kKeys = {{{"attention_bias", GgufKey::Kind::tensor, "blk.0.attn_q.bias"},
                                           {"num_local_experts", GgufKey::Kind::size, "expert_count"},
                                           {"num_experts_per_tok", GgufKey::Kind::size, "expert_used_count"}}};
constexpr std::array<GgufKey, 7> kSizes = {{kGgufSizes[0],
                                            {"intermediate_size", GgufKey::Kind::size, "expert_feed_forward_length"},
                                            kGgufSizes[2],
                                            kGgufSizes[3],
                                            kGgufSizes[4],
                                            kGgufSizes[5],
                                            kGgufSizes[6]}};
constexpr GgufNames kGguf{.architecture = "gpt-oss",
                          .layer_parts = kParts,
                          .sizes = kSizes,
                          .more = kKeys,
                          .fixed = R"({"hidden_act": "silu", "swiglu_limit": 7.0})",
                          .rope = {.yarn_members = R"({"truncate": false})"},
                          .window_pattern = 2};

}  // namespace

extern const Family kGptOss;
const Family kGptOss{"gpt_oss", "GptOssForCausalLM", &read, &kGguf};

}  // namespace pst::families
