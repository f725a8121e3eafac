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

/// @param before  the last rows that came before, of a sequence that is continued
at::Tensor DeltaLayer::convolved(const at::Tensor& mixed, const std::vector<std::int64_t>& starts,
                                 at::Tensor& before) const {
  if (!before.defined()) before = at::zeros({spec_.taps - 1, mixed.size(1)}, mixed.options());
  at::Tensor out = ops::causal_conv(mixed, taps_, starts, before);
  const at::Tensor all = at::cat({before, mixed});
  before = all.slice(0, all.size(0) - (spec_.taps - 1)).clone();
  return out;
}

at::Tensor DeltaLayer::run(const at::Tensor& x_nd, const Rows& rows) const {
  const Parted of = part(x_nd, rows);
  const at::Tensor beta = at::sigmoid(of.b.to(at::kFloat)).contiguous();
  const at::Tensor g = (at::softplus(of.a.to(at::kFloat) + decay_bias_) * decay_).contiguous();
  const at::Tensor in = of.mixed.contiguous();
  const at::Tensor mixed = rows.continued != nullptr ? continued(in, g, beta, *rows.continued)
                                                     : ruled(ops::causal_conv(in, taps_, rows.documents.starts), g,
                                                             beta, rows.documents.starts, {});
  return rows.through(*out_, ops::gated(kernels::Act::silu, of.z, ops::norm(mixed, norm_)));
}

at::Tensor DeltaLayer::ruled(const at::Tensor& convolved, const at::Tensor& g, const at::Tensor& beta,
                             const std::vector<std::int64_t>& starts, const at::Tensor& state) const {
  const auto qkv = ops::split_columns(convolved, 1, {spec_.keys(), spec_.keys(), spec_.values()});
  return ops::delta_rule(ops::norm(qkv[0], q_norm_), ops::norm(qkv[1], k_norm_), qkv[2], g, beta,
                         {spec_.key_heads, spec_.value_heads, spec_.key_dim, spec_.value_dim}, starts, state);
}

/// Each sequence has its own state: the rule's matrix, and the last rows that the convolution sees.
at::Tensor DeltaLayer::continued(const at::Tensor& mixed, const at::Tensor& g, const at::Tensor& beta,
                                 const Continuation& to) const {
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i < to.rows.size(); ++i) {
    const auto of_sequence = [&](const at::Tensor& all) { return all.narrow(0, to.rows[i].first, to.rows[i].count); };
    auto& states = to.sequences[i]->states;
    states.resize(std::max(states.size(), 2 * (layer_ + 1)));
    at::Tensor& state = states[2 * layer_ + 1];
    if (!state.defined()) state = at::zeros({spec_.value_heads, spec_.key_dim, spec_.value_dim}, g.options());
    const std::vector<std::int64_t> starts{0, to.rows[i].count};
    parts.push_back(ruled(convolved(of_sequence(mixed), starts, states[2 * layer_]), of_sequence(g), of_sequence(beta),
                          starts, state));
  }
  return parts.size() == 1 ? parts[0] : at::cat(parts);
}

}  // namespace pst::model
