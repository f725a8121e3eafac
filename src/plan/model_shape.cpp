// SPDX-License-Identifier: Apache-2.0
#include "plan/model_shape.hpp"

#include <algorithm>
#include <optional>

#include "kernels/adamw/flat_array.hpp"
#include "lowbit/quantise_folder.hpp"
#include "methods/method.hpp"
#include "recipe/linear_layers.hpp"

namespace pst::plan {
namespace {

LinearShape shape_of(const families::LinearSpec& linear) {
  return {.in = linear.in, .out = linear.out, .bias = linear.bias, .reads = linear.reads};
}

/// Numbers in f32 that a norm keeps of a token.
std::int64_t statistics_of(const std::optional<families::NormSpec>& norm, std::int64_t values) {
  return norm ? values / norm->width * (norm->centred ? 2 : 1) : 0;
}

/// Sums of the stream that a layer's norms keep, in widths of it. A norm of a sum keeps it; one beside it keeps the
/// same again, and a sum that nobody norms is kept only where an adapter reads it.
std::int64_t sums_kept(const families::LayerSpec& spec) {
  if (spec.norms_sum) return 2;
  if (spec.parallel) return spec.attention_norm || spec.mlp_norm ? 1 : 0;
  return (spec.attention_norm ? 1 : 0) + (spec.mlp_norm ? 1 : 0);
}

std::int64_t values_kept(const families::LayerSpec& spec, std::int64_t hidden) {
  const families::AttentionSpec& a = spec.attention;
  std::int64_t values = sums_kept(spec) * hidden;
  if (const auto& d = spec.delta)  // inputs of the convolution, of norms and of the rule; gates, the rule's output
    values += 2 * d->mixed() + 2 * d->keys() + 3 * d->values();
  if (a.q_norm) values += a.query();
  if (a.k_norm) values += a.key_value();
  if (a.v_norm) values += a.key_value();
  if (a.gated) values += 2 * a.query();
  for (const auto* const norm : {&spec.attention_out_norm, &spec.mlp_out_norm})
    if (*norm && !spec.norms_sum) values += hidden;
  if (const auto& gate = spec.token_gate)  // the gate's output and the vector; what the norm reads, and the sum
    values += 2 * gate->gate.out + 2 * hidden;
  if (spec.moe) {  // gates, ups and outputs of the experts that a row takes
    values += spec.moe->chosen * (2 * spec.moe->inner + hidden);
    if (spec.moe->shared) values += 2 * spec.moe->shared->inner + (spec.moe->shared_gate ? hidden : 0);
    for (const auto* const norm : {&spec.moe->experts_out_norm, &spec.moe->shared_out_norm})
      values += *norm ? hidden : 0;
  }
  return values;
}

std::int64_t f32_kept(const families::LayerSpec& spec, std::int64_t hidden, bool is_balanced) {
  const families::AttentionSpec& a = spec.attention;
  std::int64_t numbers = statistics_of(a.q_norm, a.query()) + statistics_of(a.k_norm, a.key_value());
  for (const auto* const norm : {&spec.attention_norm, &spec.mlp_norm, &spec.attention_out_norm, &spec.mlp_out_norm})
    numbers += statistics_of(*norm, hidden);
  // Scores of all experts; weights, indices and places, half of them in 64 bits, of those that are chosen.
  if (spec.moe) numbers += std::ssize(spec.moe->experts) * (is_balanced ? 2 : 1) + 10 * spec.moe->chosen;
  return numbers;
}

/// Values of a token in products that are cut into q, k and v, or into gate and up.
std::int64_t values_split(const families::LayerSpec& spec) {
  const families::AttentionSpec& a = spec.attention;
  return (a.fused != families::AttentionSpec::Fused::no ? a.query() + 2 * a.key_value() : 0) +
         (a.gated ? 2 * a.query() : 0) + (spec.mlp.fused() ? 2 * spec.mlp.inner : 0);
}

LayerShape layer_of(const families::LayerSpec& spec, std::int64_t hidden, bool is_balanced) {
  const families::AttentionSpec& a = spec.attention;
  LayerShape layer{.attention = {a.query_heads, a.key_value_heads, a.head_dim, a.window, a.cap != 0},
                   .inner = spec.moe ? 0 : spec.mlp.inner,
                   .gated = spec.mlp.gated,
                   .routed = {},
                   .split = values_split(spec),
                   .one_input = spec.parallel && !spec.mlp_norm,
                   .between = spec.attention_norm ? 2 : 1,
                   .kept = values_kept(spec, hidden),
                   .kept_f32 = f32_kept(spec, hidden, is_balanced),
                   .count = 1};
  layer.head_norms = (a.q_norm ? a.query() : 0) + (a.k_norm ? a.key_value() : 0);
  layer.norms = 0;
  for (const auto* const norm : {&spec.attention_norm, &spec.mlp_norm, &spec.attention_out_norm, &spec.mlp_out_norm})
    layer.norms += norm->has_value() ? 1 : 0;
  for (const auto* const linear : families::linears_of(spec)) layer.linears.push_back(shape_of(*linear));
  if (spec.moe) {
    for (const auto& [gate, up, down] : spec.moe->experts)
      for (const auto* const linear : {&gate, &up, &down}) layer.experts.push_back(shape_of(*linear));
    layer.routed = {std::ssize(spec.moe->experts), spec.moe->chosen, spec.moe->inner};
    layer.taken = static_cast<double>(spec.moe->chosen) / static_cast<double>(spec.moe->experts.size());
  }
  return layer;
}

bool alike(const LayerShape& a, const LayerShape& b) {
  return a.linears == b.linears && a.attention == b.attention && a.inner == b.inner && a.gated == b.gated &&
         a.routed == b.routed && a.experts == b.experts && a.norms == b.norms && a.head_norms == b.head_norms &&
         a.split == b.split && a.one_input == b.one_input && a.between == b.between && a.kept == b.kept &&
         a.kept_f32 == b.kept_f32;
}

std::int64_t table_values(const families::RopeSpec& rope) {
  return 2 * std::ssize(rope.frequencies) * (rope.far_frequencies.empty() ? 1 : 2) * (rope.query_growth > 0 ? 2 : 1);
}

Kept kept_as(const recipe::Quantization& wanted) {
  return {wanted.format, wanted.double_quantization ? lowbit::Scales::quantised : lowbit::Scales::plain};
}

double real(std::int64_t value) { return static_cast<double>(value); }

double bytes_of(const LayerShape& layer, Dtype compute) {
  double bytes = 0;
  for (const auto* const matrices : {&layer.linears, &layer.experts})
    for (const auto& linear : *matrices) bytes += linear.bytes(compute);
  return bytes;
}

std::int64_t values_of(const LayerShape& layer) {
  std::int64_t values = 0;
  for (const auto* const matrices : {&layer.linears, &layer.experts})
    for (const auto& linear : *matrices) values += linear.values();
  return values;
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
  for (const auto& layer : layers) most = std::max(most, values_of(layer));
  return most;
}

double ModelShape::frozen_bytes(Dtype compute) const {
  std::int64_t in_layers = 0;
  for (const auto& layer : layers) in_layers += layer.count * values_of(layer);
  return layer_bytes(compute) + real((frozen - in_layers - norms) * value_bytes(compute) + 4 * norms);
}

double ModelShape::dequantised_bytes(Dtype compute) const {
  double weight = 0, scales = 0;  // two buffers (src/quant/scratch.hpp)
  const auto count = [&](const LinearShape& linear) {
    if (!linear.kept.is_quantised()) return;
    weight = std::max(weight, real(linear.values() * value_bytes(compute)));
    if (const auto made = lowbit::packing_of(linear.kept.format).scales_made)
      scales = std::max(scales, 4 * real(made(linear.out, linear.in, linear.kept.scales)));
  };
  for (const auto& layer : layers)
    for (const auto* const matrices : {&layer.linears, &layer.experts})
      for (const auto& linear : *matrices) count(linear);
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
                   .head = {.in = model.head.in, .out = model.vocabulary, .bias = model.head.bias},
                   .logits = model.logits};
  shape.narrow_head = model.project_out.has_value();
  if (model.token_vectors) shape.token_values = std::ssize(model.layers) * model.token_vectors->width;
  for (const auto& rope : model.ropes) shape.rotated += table_values(rope);
  shape.tensors = std::ssize(families::tensors_of(model));
  shape.frozen = families::value_count(model);

  shape.norms = families::norm_values(model);
  shape.final_sum = model.final_norm && !model.layers.empty() && !model.layers.front().attention_norm;
  std::vector<LayerShape> layers;
  for (const auto& layer : model.layers)
    layers.push_back(layer_of(layer, model.hidden, model.balance && model.balance->asked));
  LinearShape project_in, project_out, project_token;  // too small to count for time and memory
  std::vector<LinearShape*> linears;                   // as families::linears_of() has them
  for (auto& layer : layers)
    for (auto* const matrices : {&layer.linears, &layer.experts})
      for (auto& linear : *matrices) linears.push_back(&linear);
  if (model.project_in) linears.push_back(&project_in);
  if (model.project_out) linears.push_back(&project_out);
  if (model.token_vectors) linears.push_back(&project_token);
  linears.push_back(&shape.head);

  const auto names = recipe::linear_layers(model);
  const auto modules = recipe::places_of(model);
  for (const auto& chosen : methods::adapt(adapter, modules.linears)) {
    if (modules.linears[chosen.layer].is_embedding) continue;
    LinearShape& linear = *linears[chosen.layer];
    linear.adapted = true;
    linear.rank = chosen.rank;
    linear.keeps_input = chosen.keeps_input;
    linear.kept_values = chosen.kept;
    // The gradient of a matrix that is made is one more of its size.
    if (chosen.made > 0) shape.matrices_made = std::max(shape.matrices_made, chosen.made + linear.in * linear.out);
    shape.dropout = shape.dropout || chosen.dropout > 0;
    ++shape.adapted_layers;
  }
  shape.virtual_rows = methods::virtual_rows(adapter);
  if (adapter.method->state_arrays) shape.method_arrays = adapter.method->state_arrays(adapter);
  for (const auto& tensor : methods::tensors_of(adapter, modules)) {
    const std::int64_t values = methods::values_of(tensor);
    if (!tensor.trained) {
      shape.projected += values;
      continue;
    }
    shape.trainable += values;
    shape.trainable_padded += tensor.parts * kernels::flat_places(values / tensor.parts);
    const auto alike_shape = std::find_if(shape.trained.begin(), shape.trained.end(),
                                          [&](const TrainedShape& known) { return known.shape == tensor.shape; });
    if (alike_shape != shape.trained.end())
      ++alike_shape->count;
    else
      shape.trained.push_back({tensor.shape, 1});
  }
  const auto places = families::linears_of(model);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!names[i].is_head && !places[i].spec->weight_place &&  // what is a part of a tensor stays dense
        !lowbit::is_skipped(names[i].name + ".weight", quantization.skip))
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
