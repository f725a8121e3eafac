// SPDX-License-Identifier: Apache-2.0
#include "families/granite_config.hpp"

#include "core/strings.hpp"
#include "families/moe_config.hpp"

namespace pst::families {

void read_granite_multipliers(const json::Object& config, ModelSpec& model) {
  model.embedding_scale = config.positive("embedding_multiplier").value_or(1);
  model.logits.scale = 1 / config.positive("logits_scaling").value_or(1);
  const double residual = config.positive("residual_multiplier").value_or(1);
  const double attention = config.positive("attention_multiplier").value_or(1);
  for (LayerSpec& layer : model.layers) {
    layer.residual_scale = residual;
    layer.attention.scale = attention;
  }
}

void add_granite_experts(LayerSpec& layer, const std::string& prefix, std::int64_t experts, std::int64_t chosen,
                         std::int64_t hidden) {
  const std::int64_t inner = layer.mlp.inner;
  const std::string name = prefix + "block_sparse_moe.";
  MoeSpec moe{.chosen = chosen, .inner = inner, .softmax_of_chosen = true, .act = layer.mlp.act};
  const auto linear = [&](const char* tensor, const char* module, std::int64_t e, std::int64_t first, std::int64_t out,
                          std::int64_t in) {
    return LinearSpec{
        .name = cat(name, "experts.", e, ".", module),
        .out = out,
        .in = in,
        .weight_place = weights::Place{
            .tensor = cat(name, tensor, ".weight"), .first = first, .out_step = in, .in_step = 1, .exponents = {}}};
  };
  for (std::int64_t e = 0; e < experts; ++e) {
    const std::int64_t first = e * 2 * inner * hidden;
    moe.experts.push_back({.gate = linear("input_linear", "gate_proj", e, first, inner, hidden),
                           .up = linear("input_linear", "up_proj", e, first + inner * hidden, inner, hidden),
                           .down = linear("output_linear", "down_proj", e, e * hidden * inner, hidden, inner)});
  }
  moe.stored = {{name + "input_linear.weight", {experts, 2 * inner, hidden}},
                {name + "output_linear.weight", {experts, hidden, inner}}};
  stack_experts(moe, name + "experts");
  moe.router = {.name = name + "router.layer", .out = experts, .in = hidden};
  layer.moe = std::move(moe);
  layer.mlp = {};
}

}  // namespace pst::families
