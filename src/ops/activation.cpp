// SPDX-License-Identifier: Apache-2.0
#include "ops/activation.hpp"

#include <ATen/ops/empty_like.h>

#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

class GatedNode final : public Node {
 public:
  kernels::Act act = kernels::Act::silu;
  double limit = 0;
  at::Tensor gate, up;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(2);
    const at::Tensor dout = gradients[0].contiguous();
    const at::Tensor dgate = at::empty_like(gate), dup = at::empty_like(up);
    kernels::gated_backward(exec_of(gate), act, view_of(dout), view_of(gate), view_of(up), view_of(dgate), view_of(dup),
                            limit);
    return {dgate, dup};
  }
  void release() override {
    gate.reset();
    up.reset();
  }
};

class ActivationNode final : public Node {
 public:
  kernels::Act act = kernels::Act::silu;
  at::Tensor x;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    const at::Tensor dout = gradients[0].contiguous(), dx = at::empty_like(x);
    kernels::activate_backward(exec_of(x), act, view_of(dout), view_of(x), view_of(dx));
    return {dx};
  }
  void release() override { x.reset(); }
};

at::Tensor like(const at::Tensor& x) {
  at::AutoDispatchBelowADInplaceOrView below;
  return at::empty_like(x);
}

}  // namespace

at::Tensor gated(kernels::Act act, const at::Tensor& gate, const at::Tensor& up, double limit) {
  const trace::Scope span(trace::Kind::activation, act == kernels::Act::silu ? "swiglu" : "gated");
  const at::Tensor out = like(gate);
  kernels::gated(exec_of(gate), act, view_of(gate), view_of(up), view_of(out), limit);
  if (records({gate, up})) {
    const auto node = std::make_shared<GatedNode>();
    node->act = act;
    node->limit = limit;
    node->gate = gate.detach();
    node->up = up.detach();
    connect(node, {gate, up}, {out});
  }
  return out;
}

at::Tensor activate(kernels::Act act, const at::Tensor& x) {
  const trace::Scope span(trace::Kind::activation, "activation");
  const at::Tensor out = like(x);
  kernels::activate(exec_of(x), act, view_of(x), view_of(out));
  if (records({x})) {
    const auto node = std::make_shared<ActivationNode>();
    node->act = act;
    node->x = x.detach();
    connect(node, {x}, {out});
  }
  return out;
}

}  // namespace pst::ops
