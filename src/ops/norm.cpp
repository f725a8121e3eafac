// SPDX-License-Identifier: Apache-2.0
#include "ops/norm.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones.h>

#include <vector>

#include "kernels/layer_norm/layer_norm.hpp"
#include "kernels/rms_norm/rms_norm.hpp"
#include "ops/backward_node.hpp"
#include "ops/wide.hpp"

namespace pst::ops {
namespace {

/// Outputs: {sum, y} with a residual, else {y}. Inputs: {x, delta} or {x}; both get the same gradient.
class NormNode final : public Node {
 public:
  at::Tensor sum, statistics;
  Norm by;
  bool has_residual = false;

 protected:
  List backward(List& gradients) override {
    const at::Tensor& dy = gradients[has_residual ? 1 : 0];
    const at::Tensor dsum = has_residual ? gradients[0] : at::Tensor();
    const at::Tensor dx = dy.defined() ? through_norm(dy.contiguous(), dsum) : dsum;
    List out{dx};
    if (has_residual) out.push_back(dx);
    return out;
  }
  void release() override {
    sum.reset();
    statistics.reset();
  }

 private:
  at::Tensor through_norm(const at::Tensor& dy, const at::Tensor& dsum) const {
    at::Tensor dx = at::empty_like(sum);
    const at::Tensor straight = dsum.defined() ? dsum.contiguous() : dsum;
    const View more = straight.defined() ? view_of(straight) : View{};
    if (by.centred)
      kernels::layer_norm_backward(exec_of(sum), view_of(dy), more, view_of(sum), view_of(by.weight),
                                   by.weight.size(-1), view_of(statistics), view_of(dx));
    else
      kernels::rms_norm_backward(exec_of(sum), view_of(dy), more, view_of(sum), view_of(by.weight), view_of(statistics),
                                 view_of(dx));
    return dx;
  }
};

struct Normed {
  at::Tensor sum, y, statistics;
};

/// @param delta  undefined: none, and `sum` stays undefined
Normed run(const at::Tensor& x, const at::Tensor& delta, const Norm& by) {
  at::AutoDispatchBelowADInplaceOrView below;
  const std::int64_t rows = x.numel() / by.weight.size(-1);
  Normed made{.sum = {}, .y = at::empty_like(x), .statistics = {}};
  if (delta.defined()) made.sum = at::empty_like(x);
  const View residual = delta.defined() ? view_of(delta) : View{}, sum = delta.defined() ? view_of(made.sum) : View{};
  if (by.centred) {
    made.statistics = at::empty({rows, 2}, x.options().dtype(at::kFloat));
    kernels::layer_norm(exec_of(x), view_of(x), residual, view_of(by.weight),
                        by.bias.defined() ? view_of(by.bias) : View{}, by.weight.size(-1), by.eps, sum, view_of(made.y),
                        view_of(made.statistics));
  } else {
    made.statistics = at::empty({rows}, x.options().dtype(at::kFloat));
    kernels::rms_norm(exec_of(x), view_of(x), residual, view_of(by.weight), by.eps, sum, view_of(made.y),
                      view_of(made.statistics));
  }
  return made;
}

std::shared_ptr<NormNode> node_of(const at::Tensor& sum, const Normed& made, const Norm& by) {
  auto node = std::make_shared<NormNode>();
  node->sum = sum.detach();
  node->statistics = made.statistics;
  node->by = by;
  return node;
}

Norm without_values(const Norm& by) {
  return {
      .weight = at::ones({by.weight.size(-1)}, by.weight.options()), .bias = {}, .eps = by.eps, .centred = by.centred};
}

/// @param y  rows normed by themselves
at::Tensor trained(const at::Tensor& y, const Norm& by) {
  const NormValues values = by.trained();
  const at::Tensor rows = y.view({-1, values.weight.size(-1)});
  at::Tensor out = widened(rows) * values.weight;
  if (values.bias.defined()) out = out + values.bias;
  return out.to(y.scalar_type()).view(y.sizes());
}

/// In f64, which kernels do not have: for comparisons.
at::Tensor by_torch(const at::Tensor& x, const Norm& by) {
  std::vector<std::int64_t> shape = by.weight.sizes().vec();
  shape.insert(shape.begin(), -1);
  const at::Tensor rows = x.view(shape);
  const at::Tensor centred = by.centred ? rows - rows.mean({-1}, /*keepdim=*/true) : rows;
  at::Tensor out = centred * (centred.square().mean({-1}, /*keepdim=*/true) + by.eps).rsqrt() * by.weight;
  if (by.bias.defined()) out = out + by.bias;
  return out.view(x.sizes());
}

}  // namespace

at::Tensor norm(const at::Tensor& x, const Norm& by) {
  if (x.scalar_type() == at::kDouble && !by.trained) return by_torch(x, by);
  if (by.trained) return trained(norm(x, without_values(by)), by);
  const trace::Scope span(trace::Kind::norm, "norm");
  const Normed made = run(x, {}, by);
  if (records({x})) connect(node_of(x, made, by), {x}, {made.y});
  return made.y;
}

std::pair<at::Tensor, at::Tensor> add_norm(const at::Tensor& x, const at::Tensor& delta, const Norm& by) {
  if (by.trained) {
    auto [sum, y] = add_norm(x, delta, without_values(by));
    return {sum, trained(y, by)};
  }
  const trace::Scope span(trace::Kind::norm, "norm");
  const Normed made = run(x, delta, by);
  if (records({x, delta})) {
    const auto node = node_of(made.sum, made, by);
    node->has_residual = true;
    connect(node, {x, delta}, {made.sum, made.y});
  }
  return {made.sum, made.y};
}

}  // namespace pst::ops
