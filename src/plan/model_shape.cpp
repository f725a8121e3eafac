// SPDX-License-Identifier: Apache-2.0
#include "plan/model_shape.hpp"

#include <algorithm>

#include "lowbit/quantise_folder.hpp"
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

Kept kept_as(const recipe::Quantization& wanted) {
  switch (wanted.format) {
    case recipe::FrozenFormat::none: return Kept::dense;
    case recipe::FrozenFormat::nf4: return wanted.double_quantization ? Kept::nf4 : Kept::nf4_plain_scales;
    case recipe::FrozenFormat::int8: return Kept::int8;
    case recipe::FrozenFormat::fp8: return Kept::fp8;
  }
  return Kept::dense;
}

double real(std::int64_t value) { return static_cast<double>(value); }
std::int64_t nf4_blocks(const LinearShape& linear) { return (linear.values() + 63) / 64; }

double bytes_of(const LayerShape& layer, Dtype compute) {
  double bytes = 0;
  for (const auto& linear : layer.linears) bytes += linear.bytes(compute);
  return bytes;
}

}  // namespace

double LinearShape::bytes(Dtype compute) const {
  const double codes = real((values() + 1) / 2);
  switch (kept) {
    case Kept::dense: return real(values() * value_bytes(compute));
    case Kept::nf4:  // a byte a scale; for 256 scales an f32 one; their map and mean
      return codes + real(nf4_blocks(*this)) + 4 * real((nf4_blocks(*this) + 255) / 256) + 4 * 257;
    case Kept::nf4_plain_scales: return codes + 4 * real(nf4_blocks(*this));
    case Kept::int8:
    case Kept::fp8: return real(values()) + 4 * real(out);
  }
  return 0;
}

double ModelShape::layer_bytes(Dtype compute) const {
  double bytes = 0;
  for (const auto& layer : layers) bytes += real(layer.count) * bytes_of(layer, compute);
  return bytes;
}

double ModelShape::largest_layer_bytes(Dtype compute) const {
  double most = 0;
  for (const auto& layer : layers) most = std::max(most, bytes_of(layer, compute));
  return most;
}

std::int64_t ModelShape::largest_block_values() const {
  std::int64_t most = end_values();
  for (const auto& layer : layers) {
    std::int64_t values = 0;
    for (const auto& linear : layer.linears) values += linear.values();
    most = std::max(most, values);
  }
  return most;
}

double ModelShape::frozen_bytes(Dtype compute) const {
  std::int64_t in_layers = 0;
  for (const auto& layer : layers)
    for (const auto& linear : layer.linears) in_layers += layer.count * linear.values();
  return layer_bytes(compute) + real((frozen - in_layers) * value_bytes(compute));
}

double ModelShape::dequantised_bytes(Dtype compute) const {
  double weight = 0, scales = 0;  // two buffers (src/quant/scratch.hpp)
  for (const auto& layer : layers)
    for (const auto& linear : layer.linears) {
      if (linear.kept == Kept::dense) continue;
      weight = std::max(weight, real(linear.values() * value_bytes(compute)));
      if (linear.kept == Kept::nf4) scales = std::max(scales, 4 * real(nf4_blocks(linear)));
    }
  return weight + scales;
}

std::int64_t ModelShape::layer_count() const {
  std::int64_t count = 0;
  for (const auto& layer : layers) count += layer.count;
  return count;
}

ModelShape shape_of(const weights::ModelConfig& config, const recipe::Adapter& adapter, std::int64_t positions,
                    const recipe::Quantization& quantization) {
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
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].is_output_head && !lowbit::is_skipped(names[i].name + ".weight", quantization.skip))
      layers[i / 7][i % 7].kept = kept_as(quantization);
  for (const auto& linears : layers) {
    if (shape.layers.empty() || shape.layers.back().linears != linears) shape.layers.push_back({linears, 0});
    ++shape.layers.back().count;
  }
  return shape;
}

}  // namespace pst::plan
