// SPDX-License-Identifier: Apache-2.0
#include "families/names.hpp"

namespace pst::families {
namespace {

using Change = std::function<void(std::string&)>;

void change_text(std::string& name, const Change& change) {
  if (!name.empty()) change(name);
}
void change_norm(std::optional<NormSpec>& norm, const Change& change) {
  if (norm) change_text(norm->name, change);
}
void change_linear(LinearSpec& linear, const Change& change) {
  change_text(linear.name, change);
  for (auto* const place : {&linear.weight_place, &linear.bias_place})
    if (*place) {
      change_text((*place)->tensor, change);
      change_text((*place)->exponents, change);
    }
  if (linear.stack) change_text(linear.stack->module, change);
}
void change_mlp(MlpSpec& mlp, const Change& change) {
  for (LinearSpec& linear : mlp.inputs) change_linear(linear, change);
  change_linear(mlp.down, change);
}
void change_delta(DeltaSpec& delta, const Change& change) {
  for (LinearSpec& linear : delta.inputs) change_linear(linear, change);
  for (std::string* const name : {&delta.taps_name, &delta.decay_log, &delta.decay_bias, &delta.norm.name})
    change_text(*name, change);
  change_linear(delta.out, change);
}
void change_moe(MoeSpec& moe, const Change& change) {
  change_linear(moe.router, change);
  change_text(moe.correction, change);
  for (auto& [gate, up, down] : moe.experts)
    for (LinearSpec* const linear : {&gate, &up, &down}) change_linear(*linear, change);
  for (TensorSpec& tensor : moe.stored) change_text(tensor.name, change);
  if (moe.shared) change_mlp(*moe.shared, change);
  if (moe.shared_gate) change_linear(*moe.shared_gate, change);
  for (auto* const norm : {&moe.router_norm, &moe.experts_norm, &moe.experts_out_norm, &moe.shared_out_norm})
    change_norm(*norm, change);
  change_text(moe.expert_scales, change);
}

}  // namespace

void rename(ModelSpec& model, const Change& change) {
  change_text(model.embedding, change);
  if (model.position_table) change_text(model.position_table->name, change);
  for (auto* const product : {&model.project_in, &model.project_out})
    if (*product) change_linear(**product, change);
  change_norm(model.embedding_norm, change);
  if (auto& vectors = model.token_vectors) {
    change_text(vectors->name, change);
    change_linear(vectors->projection, change);
    change_text(vectors->norm.name, change);
  }
  for (LayerSpec& layer : model.layers) {
    for (auto* const norm : {&layer.attention_norm, &layer.mlp_norm, &layer.attention_out_norm, &layer.mlp_out_norm})
      change_norm(*norm, change);
    for (LinearSpec& linear : layer.attention.inputs) change_linear(linear, change);
    change_linear(layer.attention.o, change);
    if (layer.delta) change_delta(*layer.delta, change);
    change_norm(layer.attention.q_norm, change);
    change_norm(layer.attention.k_norm, change);
    change_text(layer.attention.sinks, change);
    change_text(layer.scalar, change);
    change_mlp(layer.mlp, change);
    if (layer.moe) change_moe(*layer.moe, change);
    if (auto& gate = layer.token_gate) {
      change_linear(gate->gate, change);
      change_linear(gate->projection, change);
      change_text(gate->norm.name, change);
    }
  }
  change_norm(model.final_norm, change);
  change_linear(model.head, change);
}

}  // namespace pst::families
