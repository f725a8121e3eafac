// SPDX-License-Identifier: Apache-2.0
#include "ops/swiglu.hpp"

#include <ATen/ops/empty_like.h>

#include "kernels/swiglu/swiglu.hpp"
#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

class SwigluNode final : public Node {
 public:
  at::Tensor gate, up;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(2);
    const at::Tensor dout = gradients[0].contiguous();
    const at::Tensor dgate = at::empty_like(gate), dup = at::empty_like(up);
    kernels::swiglu_backward(exec_of(gate), view_of(dout), view_of(gate), view_of(up), view_of(dgate), view_of(dup));
    return {dgate, dup};
  }
  void release() override {
    gate.reset();
    up.reset();
  }
};

}  // namespace

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  const trace::Scope span(trace::Kind::activation, "swiglu");
  at::Tensor out;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    out = at::empty_like(gate);
  }
  kernels::swiglu(exec_of(gate), view_of(gate), view_of(up), view_of(out));
  if (records({gate, up})) {
    const auto node = std::make_shared<SwigluNode>();
    node->gate = gate.detach();
    node->up = up.detach();
    connect(node, {gate, up}, {out});
  }
  return out;
}

}  // namespace pst::ops
