#include "plan/model_shape.hpp"

#include <algorithm>

#include "recipe/targets.hpp"

namespace pst::plan {
namespace {

constexpr std::int64_t kBorder = 16;  // values; nn::ParameterSet begins each tensor on a cache line

std::int64_t padded(std::int64_t values) { return (values + kBorder - 1) / kBorder * kBorder; }

std::array<LinearShape, 7> linears_of(const weights::ModelConfig& c) {
  const std::int64_t d = c.hidden_size, q = c.num_attention_heads * c.head_dim, f = c.intermediate_size;
  const std::int64_t kv = c.num_key_value_heads * c.head_dim;
  const bool a = c.attention_bias, m = c.mlp_bias;
  return {{{d, q, 0, a}, {d, kv, 0, a}, {d, kv, 0, a}, {q, d, 0, a}, {d, f, 0, m}, {d, f, 0, m}, {f, d, 0, m}}};
}

}  // namespace

namespace {

std::int64_t values_of(const LayerShape& layer) {
  std::int64_t values = 0;
  for (const auto& linear : layer.linears) values += linear.in * linear.out;
  return values;
}

}  // namespace

std::int64_t ModelShape::layer_values() const {
  std::int64_t values = 0;
  for (const auto& layer : layers) values += layer.count * values_of(layer);
  return values;
}

std::int64_t ModelShape::largest_layer() const {
  std::int64_t most = 0;
  for (const auto& layer : layers) most = std::max(most, values_of(layer));
  return most;
}

std::int64_t ModelShape::layer_count() const {
  std::int64_t count = 0;
  for (const auto& layer : layers) count += layer.count;
  return count;
}

ModelShape shape_of(const weights::ModelConfig& config, const recipe::Adapter& adapter, std::int64_t positions) {
  ModelShape shape{.hidden = config.hidden_size,
                   .query = config.num_attention_heads * config.head_dim,
                   .key_value = config.num_key_value_heads * config.head_dim,
                   .inner = config.intermediate_size,
                   .vocabulary = config.vocab_size,
                   .query_heads = config.num_attention_heads,
                   .key_value_heads = config.num_key_value_heads,
                   .head_dim = config.head_dim,
                   .positions = positions,
                   .head = {config.hidden_size, config.vocab_size}};
  for (const auto& tensor : weights::expected_tensors(config)) {
    std::int64_t values = 1;
    for (const auto size : tensor.shape) values *= size;
    shape.frozen += values;
    ++shape.tensors;
  }

  // The names are those of nn::CausalLm::linears(): seven a layer, then the head.
  auto names = recipe::llama_linear_layers(config.num_hidden_layers);
  std::vector<std::array<LinearShape, 7>> layers(static_cast<std::size_t>(config.num_hidden_layers),
                                                 linears_of(config));
  for (const auto& chosen : recipe::select_layers(adapter, names)) {
    LinearShape& linear = names[chosen.index].is_output_head ? shape.head : layers[chosen.index / 7][chosen.index % 7];
    linear.rank = chosen.r;
    shape.trainable += chosen.r * (linear.in + linear.out);
    shape.trainable_padded += padded(chosen.r * linear.in) + padded(chosen.r * linear.out);
    ++shape.adapted_layers;
  }
  for (const auto& linears : layers) {
    if (shape.layers.empty() || shape.layers.back().linears != linears) shape.layers.push_back({linears, 0});
    ++shape.layers.back().count;
  }
  return shape;
}

}  // namespace pst::plan
