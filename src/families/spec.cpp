// SPDX-License-Identifier: Apache-2.0
#include "families/spec.hpp"

#include <algorithm>
#include <map>

#include "core/strings.hpp"

namespace pst::families {
namespace {

void append(std::vector<const LinearSpec*>& to, const std::vector<LinearSpec>& linears) {
  for (const LinearSpec& linear : linears) to.push_back(&linear);
}

/// Collects tensors; those that several matrices lie in come once, as long as the furthest of them says.
class Tensors {
 public:
  void add(std::string name, std::vector<std::int64_t> shape) { list_.push_back({std::move(name), std::move(shape)}); }
  void add(const NormSpec& norm) {
    if (norm.name.empty()) return;
    norm_values_ += norm.width * (norm.weights + (norm.bias ? 1 : 0));
    if (norm.bare) return add(norm.name, {norm.width});
    const std::vector<std::int64_t> one = {norm.width}, all = {norm.weights, norm.width};
    if (norm.split)
      for (std::int64_t i = 0; i < norm.weights; ++i) add(cat(norm.name, i, ".weight"), one);
    else
      add(norm.name + ".weight", norm.weights > 1 ? all : one);
    if (norm.bias) add(norm.name + ".bias", one);
  }
  void add(const std::optional<NormSpec>& norm) {
    if (norm) add(*norm);
  }
  void add(const LinearSpec& linear) {
    if (!linear.weight_place)
      add(linear.name + ".weight", {linear.out, linear.in});
    else if (linear.weight_place->tensor == linear.name + ".weight")
      add(linear.weight_place->tensor, {linear.in, linear.out});  // by itself, the other way round
    if (linear.bias && !linear.bias_place) add(linear.name + ".bias", {linear.out});
  }
  std::int64_t norm_values() const { return norm_values_; }
  std::vector<TensorSpec> list() && { return std::move(list_); }

 private:
  std::vector<TensorSpec> list_;
  std::int64_t norm_values_ = 0;
};

void add_moe(Tensors& tensors, const MoeSpec& moe) {
  tensors.add(moe.router);
  if (!moe.correction.empty()) tensors.add(moe.correction, {std::ssize(moe.experts)});
  for (const TensorSpec& stored : moe.stored) tensors.add(stored.name, stored.shape);
  for (const auto& expert : moe.experts)
    for (const LinearSpec* const linear : {&expert.gate, &expert.up, &expert.down}) tensors.add(*linear);
  if (moe.shared_gate) tensors.add(*moe.shared_gate);
  for (const auto* const norm : {&moe.router_norm, &moe.experts_norm, &moe.experts_out_norm, &moe.shared_out_norm})
    tensors.add(*norm);
  if (!moe.expert_scales.empty()) tensors.add(moe.expert_scales, {std::ssize(moe.experts)});
}

void add_mlp(Tensors& tensors, const MlpSpec& mlp) {
  if (mlp.inputs.empty()) return;
  for (const LinearSpec& linear : mlp.inputs) tensors.add(linear);
  tensors.add(mlp.down);
}

void add_delta(Tensors& tensors, const DeltaSpec& delta) {
  for (const LinearSpec& linear : delta.inputs) tensors.add(linear);
  tensors.add(delta.taps_name, {delta.mixed(), 1, delta.taps});
  for (const std::string& name : {delta.decay_log, delta.decay_bias}) tensors.add(name, {delta.value_heads});
  tensors.add(delta.norm);
  tensors.add(delta.out);
}

Tensors all_of(const ModelSpec& model) {
  Tensors tensors;
  tensors.add(model.embedding + ".weight", {model.vocabulary, model.table_width()});
  for (const auto* const product : {&model.project_in, &model.project_out})
    if (*product) tensors.add(**product);
  if (const auto& table = model.position_table) tensors.add(table->name + ".weight", {table->rows, model.hidden});
  tensors.add(model.embedding_norm);
  if (const auto& vectors = model.token_vectors) {
    tensors.add(vectors->name + ".weight", {vectors->rows, std::ssize(model.layers) * vectors->width});
    tensors.add(vectors->projection);
    tensors.add(vectors->norm);
  }
  for (const LayerSpec& layer : model.layers) {
    const AttentionSpec& attention = layer.attention;
    tensors.add(layer.attention_norm);
    if (layer.delta)
      add_delta(tensors, *layer.delta);
    else
      tensors.add(attention.o);
    for (const LinearSpec& linear : attention.inputs) tensors.add(linear);
    tensors.add(attention.q_norm);
    tensors.add(attention.k_norm);
    if (!layer.scalar.empty()) tensors.add(layer.scalar, {1});
    if (!attention.sinks.empty()) tensors.add(attention.sinks, {attention.query_heads});
    tensors.add(layer.attention_out_norm);
    tensors.add(layer.mlp_norm);
    add_mlp(tensors, layer.moe && layer.moe->shared ? *layer.moe->shared : layer.mlp);
    if (layer.moe) add_moe(tensors, *layer.moe);
    tensors.add(layer.mlp_out_norm);
    if (const auto& gate = layer.token_gate) {
      tensors.add(gate->gate);
      tensors.add(gate->projection);
      tensors.add(gate->norm);
    }
  }
  tensors.add(model.final_norm);
  if (!model.tied_head)
    tensors.add(model.head);
  else if (model.head.bias)
    tensors.add(model.head.name + ".bias", {model.head.out});
  return tensors;
}

}  // namespace

std::vector<const LinearSpec*> linears_of(const LayerSpec& layer) {
  std::vector<const LinearSpec*> linears;
  if (layer.delta) {
    append(linears, layer.delta->inputs);
    linears.push_back(&layer.delta->out);
  } else {
    append(linears, layer.attention.inputs);
    linears.push_back(&layer.attention.o);
  }
  const MlpSpec& mlp = layer.moe && layer.moe->shared ? *layer.moe->shared : layer.mlp;
  append(linears, mlp.inputs);
  if (!mlp.inputs.empty()) linears.push_back(&mlp.down);
  if (layer.moe && layer.moe->shared_gate) linears.push_back(&*layer.moe->shared_gate);
  if (const auto& gate = layer.token_gate)
    for (const LinearSpec* const linear : {&gate->gate, &gate->projection}) linears.push_back(linear);
  return linears;
}

std::vector<const LinearSpec*> matrices_of(const LayerSpec& layer) {
  auto matrices = linears_of(layer);
  if (layer.moe)
    for (const auto& [gate, up, down] : layer.moe->experts)
      for (const LinearSpec* const linear : {&gate, &up, &down}) matrices.push_back(linear);
  return matrices;
}

std::vector<LinearPlace> linears_of(const ModelSpec& model) {
  std::vector<LinearPlace> places;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const auto matrices = matrices_of(model.layers[i]);
    const std::size_t plain = linears_of(model.layers[i]).size();
    for (std::size_t m = 0; m < matrices.size(); ++m)
      places.push_back({.spec = matrices[m], .layer = i, .is_expert = m >= plain});
  }
  for (const auto* const product : {&model.project_in, &model.project_out})
    if (*product) places.push_back({.spec = &**product, .layer = model.layers.size()});
  if (const auto& vectors = model.token_vectors)
    places.push_back({.spec = &vectors->projection, .layer = model.layers.size()});
  places.push_back({.spec = &model.head, .layer = model.layers.size(), .is_head = true});
  return places;
}

std::vector<const NormSpec*> stored_norms(const ModelSpec& model) {
  std::vector<const NormSpec*> norms;
  const auto add = [&](const std::optional<NormSpec>& norm) {
    if (norm && !norm->name.empty() && norm->weights == 1 && !norm->split) norms.push_back(&*norm);
  };
  add(model.embedding_norm);
  for (const LayerSpec& layer : model.layers) {
    add(layer.attention_norm);
    if (!layer.delta) {
      add(layer.attention.q_norm);
      add(layer.attention.k_norm);
    }
    add(layer.attention_out_norm);
    add(layer.mlp_norm);
    add(layer.mlp_out_norm);
  }
  add(model.final_norm);
  return norms;
}

std::vector<TensorSpec> tensors_of(const ModelSpec& model) { return all_of(model).list(); }
std::int64_t norm_values(const ModelSpec& model) { return all_of(model).norm_values(); }

std::int64_t value_count(const ModelSpec& model) {
  std::set<std::string> packed;
  std::int64_t count = 0;
  for (const LinearPlace& place : linears_of(model))
    if (const auto& at = place.spec->weight_place; at && !at->exponents.empty()) {
      packed.insert({at->tensor, at->exponents});
      count += place.spec->values();
    }
  for (const TensorSpec& tensor : tensors_of(model)) {
    if (packed.contains(tensor.name)) continue;
    std::int64_t values = 1;
    for (const auto size : tensor.shape) values *= size;
    count += values;
  }
  return count;
}

std::set<std::string, std::less<>> layer_matrices(const ModelSpec& model) {
  std::set<std::string, std::less<>> names;
  for (const LayerSpec& layer : model.layers)
    for (const LinearSpec* const linear : matrices_of(layer))
      if (!linear->weight_place) names.insert(linear->name + ".weight");
  return names;
}

std::int64_t attention_pairs(const ModelSpec& model, std::int64_t rows) {
  std::int64_t width = 0;
  double sum = 0;
  for (const LayerSpec& layer : model.layers) {
    const std::int64_t seen = std::min(rows, layer.attention.window.value_or(rows));
    const auto pairs = static_cast<double>(2 * rows * seen - seen * seen);
    sum += pairs * static_cast<double>(layer.attention.query());
    width += layer.attention.query();
  }
  return width == 0 ? 0 : static_cast<std::int64_t>(sum / static_cast<double>(width) + 0.5);
}

}  // namespace pst::families
