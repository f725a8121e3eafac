// SPDX-License-Identifier: Apache-2.0
// GLM-4.5 and 4.6: experts chosen within groups, by sigmoids and a correction.
#include "core/strings.hpp"
#include "families/decoder_config.hpp"
#include "families/family.hpp"
#include "families/moe_config.hpp"

namespace pst::families {
namespace {

/// @see transformers Glm4MoeConfig
ModelSpec read(const json::Object& config) {
  ModelSpec model = read_decoder(
      config, {.absent = {.positions = 131072, .key_value_heads = 8, .head_dim = 128, .eps = 1e-5, .rotary_part = 0.5},
               .attention_bias = config.flag("attention_bias")});
  const std::int64_t experts = config.size("n_routed_experts").value_or(128), chosen = read_chosen(config, experts, 8);
  const std::int64_t groups = config.size("n_group").value_or(1), taken = config.size("topk_group").value_or(1);
  if (experts % groups != 0 || taken > groups || experts / groups < 2)
    config.refuse("n_group", cat("is ", groups, ", which does not cut ", experts, " experts into groups"));
  const std::int64_t inner = config.size("moe_intermediate_size").value_or(1408);
  const std::int64_t shared = config.size("n_shared_experts").value_or(1);
  const auto dense =
      static_cast<std::size_t>(config.get("first_k_dense_replace") ? config.at("first_k_dense_replace").whole() : 1);
  const bool normed = config.flag("use_qk_norm"), normalised = config.flag("norm_topk_prob", true);
  const double scale = config.positive("routed_scaling_factor").value_or(1);
  config.find("num_nextn_predict_layers");  // a layer after the last predicts further tokens; it is left aside
  model.left_aside.push_back(layer_prefix(model.layers.size()));
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    LayerSpec& layer = model.layers[i];
    if (normed) add_head_norms(layer, layer_prefix(i), model.final_norm->eps);
    if (i < dense) continue;
    const std::string prefix = layer_prefix(i) + "mlp.";
    MoeSpec moe{.chosen = chosen,
                .inner = inner,
                .scores = MoeSpec::Scores::sigmoid,
                .normalised = normalised,
                .scale = scale,
                .correction = prefix + "gate.e_score_correction_bias",
                .groups = groups,
                .groups_chosen = taken,
                .act = layer.mlp.act};
    add_experts(moe, prefix + "experts.", experts, model.hidden);
    add_router(moe, prefix + "gate", model.hidden);
    add_shared(moe, prefix + "shared_experts.", shared * inner, model.hidden);
    layer.moe = std::move(moe);
    layer.mlp = {};
  }
  return model;
}

}  // namespace

extern const Family kGlm4Moe;
const Family kGlm4Moe{"glm4_moe", "Glm4MoeForCausalLM", &read};

}  // namespace pst::families
