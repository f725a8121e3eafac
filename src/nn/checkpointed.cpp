// SPDX-License-Identifier: Apache-2.0
#include "nn/checkpointed.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "ops/backward_node.hpp"

namespace pst::nn {
namespace {

class CheckpointNode final : public ops::Node {
 public:
  std::function<TensorList(const TensorList&)> body;
  TensorList inputs;
  std::vector<bool> wants;

 protected:
  List backward(List& gradients) override {
    const at::AutoGradMode recording(true);
    TensorList again;
    for (std::size_t i = 0; i < inputs.size(); ++i) again.push_back(inputs[i].detach().requires_grad_(wants[i]));
    const TensorList outputs = [&] {
      const trace::Scope span({.kind = trace::Kind::layer, .way = trace::Way::again});
      return body(again);
    }();
    torch::autograd::variable_list roots, root_gradients;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined() || !outputs[i].requires_grad()) continue;
      roots.push_back(outputs[i]);
      root_gradients.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, root_gradients);
    List out;
    for (const at::Tensor& input : again) out.push_back(input.grad());
    return out;
  }
  void release() override { inputs.clear(); }
};

}  // namespace

TensorList checkpointed(const std::function<TensorList(const TensorList&)>& body, const TensorList& inputs) {
  if (!at::GradMode::is_enabled()) return body(inputs);
  TensorList outputs;
  {
    at::NoGradGuard no_gradients;
    outputs = body(inputs);
  }
  // Recorded even when no input wants a gradient: the adapters inside the body do.
  const auto node = std::make_shared<CheckpointNode>();
  node->body = body;
  for (const at::Tensor& input : inputs) {
    node->inputs.push_back(input.detach());
    node->wants.push_back(input.requires_grad());
  }
  ops::connect(node, std::span(inputs), std::span(outputs));
  return outputs;
}

}  // namespace pst::nn
