// SPDX-License-Identifier: Apache-2.0
#include "ops/norm.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "kernels/rms_norm/rms_norm.hpp"
#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

/// Outputs: {sum, y} with a residual, else {y}. Inputs: {x, delta} or {x}; both get the same gradient.
class NormNode final : public Node {
 public:
  at::Tensor sum, weight, rstd;
  bool has_residual = false;

 protected:
  List backward(List& gradients) override {
    const at::Tensor& dy = gradients[has_residual ? 1 : 0];
    const at::Tensor dsum = has_residual ? gradients[0] : at::Tensor();
    at::Tensor dx;
    if (!dy.defined()) {
      dx = dsum;
    } else {
      dx = at::empty_like(sum);
      kernels::rms_norm_backward(exec_of(sum), view_of(dy.contiguous()),
                                 dsum.defined() ? view_of(dsum.contiguous()) : View{}, view_of(sum), view_of(weight),
                                 view_of(rstd), view_of(dx));
    }
    List out{dx};
    if (has_residual) out.push_back(dx);
    return out;
  }
  void release() override {
    sum.reset();
    rstd.reset();
  }
};

}  // namespace

at::Tensor rms_norm(const at::Tensor& x_nd, const at::Tensor& weight_d, double eps) {
  const trace::Scope span(trace::Kind::norm, "norm");
  at::Tensor y, rstd;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    y = at::empty_like(x_nd);
    rstd = at::empty({x_nd.size(0)}, x_nd.options().dtype(at::kFloat));
  }
  kernels::rms_norm(exec_of(x_nd), view_of(x_nd), View{}, view_of(weight_d), eps, View{}, view_of(y), view_of(rstd));
  if (records({x_nd})) {
    const auto node = std::make_shared<NormNode>();
    node->sum = x_nd.detach();
    node->weight = weight_d;
    node->rstd = rstd;
    connect(node, {x_nd}, {y});
  }
  return y;
}

std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& x_nd, const at::Tensor& delta_nd,
                                               const at::Tensor& weight_d, double eps) {
  const trace::Scope span(trace::Kind::norm, "norm");
  at::Tensor sum, y, rstd;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    sum = at::empty_like(x_nd);
    y = at::empty_like(x_nd);
    rstd = at::empty({x_nd.size(0)}, x_nd.options().dtype(at::kFloat));
  }
  kernels::rms_norm(exec_of(x_nd), view_of(x_nd), view_of(delta_nd), view_of(weight_d), eps, view_of(sum), view_of(y),
                    view_of(rstd));
  if (records({x_nd, delta_nd})) {
    const auto node = std::make_shared<NormNode>();
    node->sum = sum.detach();
    node->weight = weight_d;
    node->rstd = rstd;
    node->has_residual = true;
    connect(node, {x_nd, delta_nd}, {sum, y});
  }
  return {sum, y};
}

}  // namespace pst::ops
