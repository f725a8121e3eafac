// SPDX-License-Identifier: Apache-2.0
#include "model/attention_layer.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <utility>

#include "core/error.hpp"
#include "ops/columns.hpp"

namespace pst::model {
namespace {

using Fused = families::AttentionSpec::Fused;

/// Slopes of scores by distance, for each head. @see Press et al. 2021, arXiv:2108.12409, section 3; for head counts
/// that are no power of two, the authors' code: every other slope of twice as many heads
at::Tensor alibi_slopes(std::int64_t heads) {
  std::int64_t power = 1;
  while (2 * power <= heads) power *= 2;
  const at::Tensor slopes = at::empty({heads}, at::kFloat);
  auto* const values = slopes.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < heads; ++i) {
    const double exponent = i < power ? -8.0 * static_cast<double>(i + 1) / static_cast<double>(power)
                                      : -4.0 * static_cast<double>(2 * (i - power) + 1) / static_cast<double>(power);
    values[i] = static_cast<float>(std::pow(2.0, exponent));
  }
  return slopes;
}

std::vector<const nn::Linear*> views_of(const std::vector<std::unique_ptr<nn::Linear>>& linears) {
  std::vector<const nn::Linear*> views;
  for (const auto& linear : linears) views.push_back(linear.get());
  return views;
}

}  // namespace

AttentionLayer::AttentionLayer(const families::AttentionSpec& spec, std::size_t layer,
                               const std::vector<RopeTables>& tables, const Parts& parts,
                               std::vector<std::unique_ptr<nn::Linear>> linears)
    : spec_(spec),
      layer_(layer),
      heads_{.query = spec.query_heads,
             .key_value = spec.key_value_heads,
             .dim = spec.head_dim,
             .window = spec.window,
             .scale = spec.scale,
             .cap = spec.cap},
      q_norm_(parts.norm(spec.q_norm)),
      k_norm_(parts.norm(spec.k_norm)),
      v_norm_(parts.norm(spec.v_norm)),
      inputs_(std::move(linears)) {
  o_ = std::move(inputs_.back());
  inputs_.pop_back();
  if (spec.rope) tables_ = tables.at(*spec.rope);
  if (!spec.sinks.empty()) heads_.sinks = parts.floats(spec.sinks);
  if (spec.alibi) heads_.slopes = alibi_slopes(spec.query_heads).to(parts.device());
}

ops::Norm* AttentionLayer::query_norm() { return q_norm_ ? &*q_norm_ : nullptr; }
ops::Norm* AttentionLayer::key_norm() { return k_norm_ ? &*k_norm_ : nullptr; }

std::vector<std::unique_ptr<nn::Linear>*> AttentionLayer::linears() {
  std::vector<std::unique_ptr<nn::Linear>*> all;
  for (auto& linear : inputs_) all.push_back(&linear);
  all.push_back(&o_);
  return all;
}

at::Tensor AttentionLayer::run(const at::Tensor& x_nd, const Rows& rows, Shared& shared) const {
  Parted of = part(x_nd, rows);
  const at::Tensor gate = std::exchange(of.gate, {});
  at::Tensor heads = rows.continued != nullptr ? mixed_in_pages(of, rows) : mixed(std::move(of), rows, shared);
  if (gate.defined()) heads = heads * at::sigmoid(gate);
  return rows.through(*o_, heads);
}

AttentionLayer::Parted AttentionLayer::part(const at::Tensor& x_nd, const Rows& rows) const {
  auto products = rows.through(views_of(inputs_), "qkv_proj", x_nd);
  const std::int64_t groups = spec_.fused == Fused::by_head ? spec_.query_heads : 1;
  if (spec_.fused != Fused::no)
    products = ops::split_columns(products[0], groups,
                                  {spec_.query() / groups, spec_.key_value() / groups, spec_.key_value() / groups});
  if (spec_.borrows) return {products[0], {}, {}, {}};
  // Values that are keys: those turn in place, so each gets memory of its own.
  Parted of{products[0], products[1], spec_.values_are_keys ? products[1].clone() : products[2], {}};
  if (spec_.gated) {
    auto halves = ops::split_columns(of.q, spec_.query_heads, {spec_.head_dim, spec_.head_dim});
    of.q = std::move(halves[0]);
    of.gate = std::move(halves[1]);
  }
  return of;
}

void AttentionLayer::norm_heads(Parted& of) const {
  if (q_norm_) of.q = ops::norm(of.q, *q_norm_);
  if (spec_.borrows) return;
  if (k_norm_) of.k = ops::norm(of.k, *k_norm_);
  if (v_norm_) of.v = ops::norm(of.v, *v_norm_);
}

std::optional<ops::Turning> AttentionLayer::turning(const Rows& rows) const {
  if (!tables_) return std::nullopt;
  return ops::Turning{tables_->queries, tables_->keys, rows.angles.at(*spec_.rope)};
}

at::Tensor AttentionLayer::mixed(Parted of, const Rows& rows, Shared& shared) const {
  auto turn = turning(rows);
  const bool shares = spec_.lends || spec_.borrows;
  if (shares && !spec_.norms_turned) norm_heads(of);
  if (turn && (shares || spec_.norms_turned)) {
    of.q = ops::rotated(std::move(of.q), heads_.query, turn->rows, turn->queries);
    if (!spec_.borrows) of.k = ops::rotated(std::move(of.k), heads_.key_value, turn->rows, turn->keys);
    turn.reset();
  }
  if (!shares || spec_.norms_turned) norm_heads(of);
  if (spec_.borrows) {
    of.k = shared.k;
    of.v = shared.v;
  } else if (spec_.lends) {
    shared = {of.k, of.v};
  }
  if (rows.virtual_keys != nullptr) return mixed_behind_virtual_keys(std::move(of), rows, turn);
  return ops::attention(std::move(of.q), std::move(of.k), of.v, heads_, rows.documents, turn);
}

/// Virtual rows have keys and values; what their queries see is not used.
at::Tensor AttentionLayer::mixed_behind_virtual_keys(Parted of, const Rows& rows,
                                                     const std::optional<ops::Turning>& turn) const {
  if (turn) {
    of.q = ops::rotated(std::move(of.q), heads_.query, turn->rows, turn->queries);
    of.k = ops::rotated(std::move(of.k), heads_.key_value, turn->rows, turn->keys);
  }
  const Prompted& stream = *rows.prompted;
  const auto [keys, values] = rows.virtual_keys->of(spec_.borrows.value_or(layer_));
  const at::Tensor no_queries = at::zeros({stream.count, of.q.size(1)}, of.q.options().requires_grad(false));
  return stream.without(ops::attention(stream.with(no_queries, of.q), stream.with(keys, of.k),
                                       stream.with(values, of.v), heads_, stream.documents, std::nullopt));
}

at::Tensor AttentionLayer::mixed_in_pages(const Parted& from, const Rows& rows) const {
  Parted of = from;
  if (!spec_.norms_turned) norm_heads(of);
  if (const auto turn = turning(rows)) {
    ops::rotate(of.q, heads_.query, turn->rows, turn->queries);
    if (!spec_.borrows) ops::rotate(of.k, heads_.key_value, turn->rows, turn->keys);
  }
  if (spec_.norms_turned) norm_heads(of);
  const Continuation& to = *rows.continued;
  const std::size_t lender = spec_.borrows.value_or(layer_);
  const at::Tensor &keys = to.pages->keys(lender), &values = to.pages->values(lender);
  if (!spec_.borrows) ops::write_pages(of.k, of.v, heads_, to.rows, keys, values);
  return ops::paged_attention(of.q, keys, values, heads_, to.rows);
}

}  // namespace pst::model
