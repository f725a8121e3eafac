// SPDX-License-Identifier: Apache-2.0
#include "model/delta_layer.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/softplus.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "core/error.hpp"
#include "ops/activation.hpp"
#include "ops/columns.hpp"
#include "ops/delta_rule.hpp"

namespace pst::model {
namespace {

constexpr double kUnitEps = 1e-6;  // of the length of queries and keys

/// x / sqrt(sum x^2 + eps) * scale, as the RMSNorm that it is.
ops::Norm unit_length(std::int64_t width, double scale, at::Device device) {
  const auto count = static_cast<double>(width);
  return {.weight = at::full({width}, scale / std::sqrt(count), at::TensorOptions().dtype(at::kFloat).device(device)),
          .eps = kUnitEps / count};
}

}  // namespace

DeltaLayer::DeltaLayer(const families::DeltaSpec& spec, std::size_t layer, const Parts& parts,
                       std::vector<std::unique_ptr<nn::Linear>> linears)
    : spec_(spec),
      layer_(layer),
      taps_(parts.floats(spec.taps_name).view({spec.mixed(), spec.taps})),
      decay_(-parts.floats(spec.decay_log).exp()),
      decay_bias_(parts.floats(spec.decay_bias)),
      norm_(parts.norm(spec.norm)),
      q_norm_(unit_length(spec.key_dim, 1 / std::sqrt(static_cast<double>(spec.key_dim)), parts.device())),
      k_norm_(unit_length(spec.key_dim, 1, parts.device())),
      inputs_(std::move(linears)) {
  if (parts.device().is_cuda())
    throw Error(Fault::unfit, "layers with a gated delta rule are not computed on GPUs yet", "use train.device: cpu");
  out_ = std::move(inputs_.back());
  inputs_.pop_back();
}

std::vector<std::unique_ptr<nn::Linear>*> DeltaLayer::linears() {
  std::vector<std::unique_ptr<nn::Linear>*> all;
  for (auto& linear : inputs_) all.push_back(&linear);
  all.push_back(&out_);
  return all;
}

DeltaLayer::Parted DeltaLayer::part(const at::Tensor& x_nd, const Rows& rows) const {
  std::vector<const nn::Linear*> inputs;
  for (const auto& linear : inputs_) inputs.push_back(linear.get());
  auto products = rows.through(inputs, "in_proj", x_nd);
  if (!spec_.by_key_head) return {products[0], products[1], products[2], products[3]};
  const std::int64_t values = spec_.value_heads / spec_.key_heads, wide = values * spec_.value_dim;
  auto qkvz = ops::split_columns(products[0], spec_.key_heads, {spec_.key_dim, spec_.key_dim, wide, wide});
  auto ba = ops::split_columns(products[1], spec_.key_heads, {values, values});
  return {at::cat({qkvz[0], qkvz[1], qkvz[2]}, 1), qkvz[3], ba[0], ba[1]};
}

/// While a document is continued, the last rows before are kept where attention keeps its keys.
at::Tensor DeltaLayer::convolved(const at::Tensor& mixed, const Rows& rows,
                                 const std::vector<std::int64_t>& starts) const {
  if (rows.cache == nullptr) return ops::causal_conv(mixed, taps_, starts);
  at::Tensor& before = rows.cache->keys[layer_];
  if (!before.defined()) before = at::zeros({spec_.taps - 1, mixed.size(1)}, mixed.options());
  at::Tensor out = ops::causal_conv(mixed, taps_, starts, before);
  const at::Tensor all = at::cat({before, mixed});
  before = all.slice(0, all.size(0) - (spec_.taps - 1)).clone();
  return out;
}

at::Tensor DeltaLayer::run(const at::Tensor& x_nd, const Rows& rows) const {
  const std::vector<std::int64_t> starts =
      rows.cache != nullptr ? std::vector<std::int64_t>{0, x_nd.size(0)} : rows.documents.starts;
  const Parted of = part(x_nd, rows);
  const auto qkv = ops::split_columns(convolved(of.mixed.contiguous(), rows, starts), 1,
                                      {spec_.keys(), spec_.keys(), spec_.values()});
  const at::Tensor beta = at::sigmoid(of.b.to(at::kFloat));
  const at::Tensor g = at::softplus(of.a.to(at::kFloat) + decay_bias_) * decay_;
  at::Tensor state;
  if (rows.cache != nullptr) {  // where attention keeps its values
    state = rows.cache->values[layer_];
    if (!state.defined())
      state = rows.cache->values[layer_] = at::zeros({spec_.value_heads, spec_.key_dim, spec_.value_dim}, g.options());
  }
  const at::Tensor mixed =
      ops::delta_rule(ops::norm(qkv[0], q_norm_), ops::norm(qkv[1], k_norm_), qkv[2], g.contiguous(), beta.contiguous(),
                      {spec_.key_heads, spec_.value_heads, spec_.key_dim, spec_.value_dim}, starts, state);
  return rows.through(*out_, ops::gated(kernels::Act::silu, of.z, ops::norm(mixed, norm_)));
}

}  // namespace pst::model
