// SPDX-License-Identifier: Apache-2.0
#include "ops/capped.hpp"

#include <ATen/TensorOperators.h>

#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

/// d cap tanh(scale x / cap) / dx = scale (1 - tanh^2).
class CappedNode final : public Node {
 public:
  at::Tensor tanh;
  double scale = 1;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    return {tanh.square_().neg_().add_(1).mul_(gradients[0]).mul_(scale)};  // in place: it is needed once
  }
  void release() override { tanh.reset(); }
};

}  // namespace

at::Tensor capped(at::Tensor x, double scale, double cap) {
  at::Tensor y;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    y = x.mul_(scale / cap).tanh_() * cap;
  }
  if (records({x})) {
    const auto node = std::make_shared<CappedNode>();
    node->tanh = x.detach();
    node->scale = scale;
    connect(node, {x}, {y});
  }
  return y;
}

}  // namespace pst::ops
