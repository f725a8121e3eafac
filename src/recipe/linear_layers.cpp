// SPDX-License-Identifier: Apache-2.0
#include "recipe/linear_layers.hpp"

#include <algorithm>

#include "families/peft_names.hpp"

namespace pst::recipe {

std::vector<methods::LinearLayer> linear_layers(const families::ModelSpec& model) {
  const auto defaults = families::peft_default_targets(model.model_type);
  std::vector<methods::LinearLayer> layers;
  for (const auto& [linear, layer, is_head, is_expert] : families::linears_of(model)) {
    const bool is_default = std::any_of(
        defaults.begin(), defaults.end(),
        [name = linear->name](std::string_view ending) { return methods::ends_at_a_dot(name, std::string(ending)); });
    layers.push_back({.name = linear->name,
                      .out = linear->out,
                      .in = linear->in,
                      .is_head = is_head,
                      .is_default = is_default,
                      .is_expert = is_expert,
                      .bias = linear->bias,
                      .stack = linear->stack});
  }
  return layers;
}

methods::Places places_of(const families::ModelSpec& model) {
  methods::Places places = linear_layers(model);
  for (const families::NormSpec* const norm : families::stored_norms(model))
    places.norms.push_back({norm->name, norm->width, norm->bias});
  places.embedding = model.embedding;
  places.vocabulary = model.vocabulary;
  places.embedding_width = model.table_width();
  places.hidden = model.hidden;
  places.tied_head = model.tied_head;
  places.has_token_vectors = model.token_vectors.has_value();
  places.linears.push_back(
      {.name = places.embedding, .out = places.embedding_width, .in = places.vocabulary, .is_embedding = true});
  for (const families::LayerSpec& layer : model.layers) {
    if (layer.moe && layer.moe->router.bias) places.other_biases.push_back(layer.moe->router.name + ".bias");
    places.key_values.push_back(layer.delta ? 0 : layer.attention.key_value());
  }
  return places;
}

}  // namespace pst::recipe
