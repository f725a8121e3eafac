// SPDX-License-Identifier: Apache-2.0
#include "plan/model_shape.hpp"

#include <algorithm>

#include "kernels/adamw/flat_array.hpp"
#include "lowbit/quantise_folder.hpp"
#include "methods/method.hpp"
#include "recipe/linear_layers.hpp"

namespace pst::plan {
namespace {

LayerShape layer_of(const families::LayerSpec& spec) {
  const families::AttentionSpec& a = spec.attention;
  LayerShape layer{
      .attention = {a.query_heads, a.key_value_heads, a.head_dim, a.window}, .inner = spec.mlp.inner, .count = 1};
  for (const auto* const linear : families::linears_of(spec))
    layer.linears.push_back({.in = linear->in, .out = linear->out, .bias = linear->bias, .reads = linear->reads});
  return layer;
}

bool alike(const LayerShape& a, const LayerShape& b) {
  return a.linears == b.linears && a.attention == b.attention && a.inner == b.inner;
}

Kept kept_as(const recipe::Quantization& wanted) {
  return {wanted.format, wanted.double_quantization ? lowbit::Scales::quantised : lowbit::Scales::plain};
}

double real(std::int64_t value) { return static_cast<double>(value); }

double bytes_of(const LayerShape& layer, Dtype compute) {
  double bytes = 0;
  for (const auto& linear : layer.linears) bytes += linear.bytes(compute);
  return bytes;
}

}  // namespace

double LinearShape::bytes(Dtype compute) const {
  if (!kept.is_quantised()) return real(values() * value_bytes(compute));
  return static_cast<double>(lowbit::packed_bytes(kept.format, kept.scales, out, in));
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
      if (!linear.kept.is_quantised()) continue;
      weight = std::max(weight, real(linear.values() * value_bytes(compute)));
      if (const auto made = lowbit::packing_of(linear.kept.format).scales_made)
        scales = std::max(scales, 4 * real(made(linear.out, linear.in, linear.kept.scales)));
    }
  return weight + scales;
}

std::int64_t ModelShape::layer_count() const {
  std::int64_t count = 0;
  for (const auto& layer : layers) count += layer.count;
  return count;
}

std::vector<std::span<const LinearShape>> LayerShape::by_input() const {
  std::vector<std::span<const LinearShape>> groups;
  for (auto first = linears.begin(); first != linears.end();) {
    const auto end =
        std::find_if(first, linears.end(), [&](const LinearShape& linear) { return linear.reads != first->reads; });
    groups.emplace_back(first, end);
    first = end;
  }
  return groups;
}

std::int64_t ModelShape::widest_inner() const {
  std::int64_t widest = 0;
  for (const auto& layer : layers) widest = std::max(widest, layer.inner);
  return widest;
}

ModelShape shape_of(const families::ModelSpec& model, const methods::Adapter& adapter, std::int64_t positions,
                    const recipe::Quantization& quantization) {
  ModelShape shape{.hidden = model.hidden,
                   .vocabulary = model.vocabulary,
                   .positions = positions,
                   .rotated = model.rope.dim,
                   .head = {.in = model.hidden, .out = model.vocabulary}};
  for (const auto& tensor : families::tensors_of(model)) {
    std::int64_t values = 1;
    for (const auto size : tensor.shape) values *= size;
    shape.frozen += values;
    ++shape.tensors;
  }

  std::vector<LayerShape> layers;
  for (const auto& layer : model.layers) layers.push_back(layer_of(layer));
  std::vector<LinearShape*> linears;  // as families::linears_of() has them
  for (auto& layer : layers)
    for (auto& linear : layer.linears) linears.push_back(&linear);
  linears.push_back(&shape.head);

  const auto names = recipe::linear_layers(model);
  for (const auto& chosen : methods::adapt(adapter, names)) {
    LinearShape& linear = *linears[chosen.layer];
    linear.adapted = true;
    linear.rank = chosen.rank;
    linear.keeps_input = chosen.keeps_input;
    linear.kept_values = chosen.kept;
    for (const auto& tensor : chosen.tensors) {
      std::int64_t values = 1;
      for (const auto size : tensor.shape) values *= size;
      shape.trainable += values;
      shape.trainable_padded += kernels::flat_places(values);
    }
    shape.dropout = shape.dropout || chosen.dropout > 0;
    ++shape.adapted_layers;
  }
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].is_head && !lowbit::is_skipped(names[i].name + ".weight", quantization.skip))
      linears[i]->kept = kept_as(quantization);
  for (auto& layer : layers) {
    if (!shape.layers.empty() && alike(shape.layers.back(), layer))
      ++shape.layers.back().count;
    else
      shape.layers.push_back(std::move(layer));
  }
  return shape;
}

}  // namespace pst::plan
