// SPDX-License-Identifier: Apache-2.0
#include "ops/rows_of.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "kernels/matmul/onednn.hpp"
#include "ops/backward_node.hpp"

// Shape letters: n rows, k slots of a row, s all slots, p places, d width.
namespace pst::ops {
namespace {

/// [p, d] -> [n, k, d]
at::Tensor by_row(const at::Tensor& y_pd, const SlotOrder& order) {
  return at::index_select(y_pd, 0, order.places).view({order.places.numel() / order.k, order.k, y_pd.size(1)});
}
/// The row of each place's slot. i64 [p]
at::Tensor rows_of(const SlotOrder& order) { return order.slots.div(order.k, "floor"); }

class SpreadNode final : public Node {
 public:
  SlotOrder order;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    return {by_row(gradients[0], order).sum(1)};
  }
  void release() override {}
};

class GatherNode final : public Node {
 public:
  SlotOrder order;
  at::Tensor y, weights;  // as gather_rows() has them
  bool weights_wanted = false;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(2);
    const at::Tensor& d_nd = gradients[0];
    // Of slot s: its weight times the row's gradient.
    List out(2);
    out[0] = at::index_select(d_nd, 0, rows_of(order))
                 .mul_(at::index_select(weights.reshape({-1}), 0, order.slots).to(d_nd.scalar_type()).unsqueeze(1));
    if (order.idle.defined()) out[0].index_fill_(0, order.idle, 0);
    if (weights_wanted) out[1] = by_row(y, order).to(at::kFloat).mul_(d_nd.to(at::kFloat).unsqueeze(1)).sum(-1);
    return out;
  }
  void release() override { y.reset(); }
};

}  // namespace

SlotOrder order_slots(const at::Tensor& groups_nk, std::int64_t count) {
  SlotOrder order{.k = groups_nk.size(1), .slots = {}, .places = {}, .idle = {}, .sizes = {}};
  const at::Tensor groups = groups_nk.reshape({-1});
  const at::Tensor sorted = at::argsort(groups, /*stable=*/true, 0, false);
  const at::Tensor counts = at::bincount(groups, {}, count).cpu();
  // How far a group begins behind where the slots of those before it end.
  std::vector<std::int64_t> idle, shifts;
  std::int64_t begin = 0, slots = 0;
  for (std::int64_t group = 0; group < count; ++group) {
    const std::int64_t size = counts.const_data_ptr<std::int64_t>()[group];
    order.sizes.push_back(groups.is_cpu() ? kernels::rounded_rows(size) : size);
    shifts.push_back(begin - slots);
    for (std::int64_t place = size; place < order.sizes.back(); ++place) idle.push_back(begin + place);
    begin += order.sizes.back();
    slots += size;
  }
  at::Tensor at = at::arange(slots, groups.options());
  if (!idle.empty()) {
    at.add_(at::index_select(at::tensor(shifts, groups.options()), 0, at::index_select(groups, 0, sorted)));
    order.idle = at::tensor(idle, groups.options());
  }
  order.places = at::empty(groups.sizes(), groups.options()).index_copy_(0, sorted, at);
  order.slots = idle.empty() ? sorted : at::zeros({begin}, groups.options()).index_copy_(0, at, sorted);
  return order;
}

at::Tensor spread_rows(const at::Tensor& x_nd, const SlotOrder& order) {
  const trace::Scope span(trace::Kind::linear, "to experts");
  at::Tensor out;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    out = at::index_select(x_nd, 0, rows_of(order));
  }
  if (records({x_nd})) {
    const auto node = std::make_shared<SpreadNode>();
    node->order = order;
    connect(node, {x_nd}, {out});
  }
  return out;
}

at::Tensor gather_rows(const at::Tensor& y_pd, const SlotOrder& order, const at::Tensor& weights_nk) {
  const trace::Scope span(trace::Kind::linear, "of experts");
  at::Tensor out;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    out = by_row(y_pd, order).to(at::kFloat).mul(weights_nk.unsqueeze(-1)).sum(1).to(y_pd.scalar_type());
  }
  if (records({y_pd, weights_nk})) {
    const auto node = std::make_shared<GatherNode>();
    node->y = y_pd.detach();
    node->order = order;
    node->weights = weights_nk.detach();
    node->weights_wanted = weights_nk.requires_grad();
    connect(node, {y_pd, weights_nk}, {out});
  }
  return out;
}

}  // namespace pst::ops
