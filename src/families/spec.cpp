// SPDX-License-Identifier: Apache-2.0
#include "families/spec.hpp"

#include <algorithm>

namespace pst::families {
namespace {

bool is_matrix_of(const LinearSpec& linear, std::string_view tensor) {
  constexpr std::string_view kWeight = ".weight";
  return tensor.size() == linear.name.size() + kWeight.size() && tensor.starts_with(linear.name) &&
         tensor.ends_with(kWeight);
}

}  // namespace

std::vector<const LinearSpec*> linears_of(const LayerSpec& layer) {
  const auto& [query_heads, key_value_heads, head_dim, window, q, k, v, o] = layer.attention;
  return {&q, &k, &v, &o, &layer.mlp.gate, &layer.mlp.up, &layer.mlp.down};
}

std::vector<LinearPlace> linears_of(const ModelSpec& model) {
  std::vector<LinearPlace> places;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    for (const LinearSpec* const linear : linears_of(model.layers[i])) places.push_back({linear, i, false});
  places.push_back({&model.head, model.layers.size(), true});
  return places;
}

std::vector<TensorSpec> tensors_of(const ModelSpec& model) {
  std::vector<TensorSpec> tensors = {{model.embedding + ".weight", {model.vocabulary, model.hidden}}};
  const auto norm = [&](const NormSpec& spec) { tensors.push_back({spec.name + ".weight", {model.hidden}}); };
  const auto linear = [&](const LinearSpec& spec) {
    tensors.push_back({spec.name + ".weight", {spec.out, spec.in}});
    if (spec.bias) tensors.push_back({spec.name + ".bias", {spec.out}});
  };
  for (const LayerSpec& layer : model.layers) {
    norm(layer.attention_norm);
    for (const LinearSpec* const spec :
         {&layer.attention.q, &layer.attention.k, &layer.attention.v, &layer.attention.o})
      linear(*spec);
    norm(layer.mlp_norm);
    for (const LinearSpec* const spec : {&layer.mlp.gate, &layer.mlp.up, &layer.mlp.down}) linear(*spec);
  }
  norm(model.final_norm);
  if (!model.tied_head) linear(model.head);
  return tensors;
}

bool is_layer_matrix(const ModelSpec& model, std::string_view tensor) {
  return std::any_of(model.layers.begin(), model.layers.end(), [&](const LayerSpec& layer) {
    const auto linears = linears_of(layer);
    return std::any_of(linears.begin(), linears.end(),
                       [&](const LinearSpec* linear) { return is_matrix_of(*linear, tensor); });
  });
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
