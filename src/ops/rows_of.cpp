// SPDX-License-Identifier: Apache-2.0
#include "ops/rows_of.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include "ops/backward_node.hpp"

// Shape letters: n rows, k slots of a row, s all slots, d width.
namespace pst::ops {
namespace {

/// Where each slot is in `order`.
at::Tensor places_in(const at::Tensor& order) {
  const at::Tensor places = at::empty(order.sizes(), order.options());
  return places.index_copy_(0, order, at::arange(order.numel(), order.options()));
}

/// [s, d] in the order of slots -> [n, k, d]
at::Tensor by_row(const at::Tensor& y_sd, const at::Tensor& places, std::int64_t k) {
  return at::index_select(y_sd, 0, places).view({y_sd.size(0) / k, k, y_sd.size(1)});
}

class SpreadNode final : public Node {
 public:
  at::Tensor places;
  std::int64_t k = 1;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    return {by_row(gradients[0], places, k).sum(1)};
  }
  void release() override {}
};

class GatherNode final : public Node {
 public:
  at::Tensor y, order, places, weights;  // as gather_rows() has them
  bool weights_wanted = false;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(2);
    const at::Tensor& d_nd = gradients[0];
    const std::int64_t k = weights.size(1);
    // Of slot s: its weight times the row's gradient.
    const at::Tensor rows = order.div(k, "floor");
    List out(2);
    out[0] = at::index_select(d_nd, 0, rows)
                 .mul_(at::index_select(weights.reshape({-1}), 0, order).to(d_nd.scalar_type()).unsqueeze(1));
    if (weights_wanted) out[1] = by_row(y, places, k).to(at::kFloat).mul_(d_nd.to(at::kFloat).unsqueeze(1)).sum(-1);
    return out;
  }
  void release() override { y.reset(); }
};

}  // namespace

at::Tensor spread_rows(const at::Tensor& x_nd, const at::Tensor& order, std::int64_t k) {
  const trace::Scope span(trace::Kind::linear, "to experts");
  at::Tensor out;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    out = at::index_select(x_nd, 0, order.div(k, "floor"));
  }
  if (records({x_nd})) {
    const auto node = std::make_shared<SpreadNode>();
    node->places = places_in(order);
    node->k = k;
    connect(node, {x_nd}, {out});
  }
  return out;
}

at::Tensor gather_rows(const at::Tensor& y_sd, const at::Tensor& order, const at::Tensor& weights_nk) {
  const trace::Scope span(trace::Kind::linear, "of experts");
  const std::int64_t k = weights_nk.size(1);
  at::Tensor out, places;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    places = places_in(order);
    out = by_row(y_sd, places, k).to(at::kFloat).mul(weights_nk.unsqueeze(-1)).sum(1).to(y_sd.scalar_type());
  }
  if (records({y_sd, weights_nk})) {
    const auto node = std::make_shared<GatherNode>();
    node->y = y_sd.detach();
    node->order = order;
    node->places = places;
    node->weights = weights_nk.detach();
    node->weights_wanted = weights_nk.requires_grad();
    connect(node, {y_sd, weights_nk}, {out});
  }
  return out;
}

}  // namespace pst::ops
