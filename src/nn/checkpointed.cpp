// SPDX-License-Identifier: Apache-2.0
#include "nn/checkpointed.hpp"

#include <torch/csrc/autograd/autograd.h>

#include "ops/backward_node.hpp"

namespace pst::nn {
namespace {

class CheckpointNode final : public ops::Node {
 public:
  std::function<TensorPair(const TensorPair&)> body;
  at::Tensor first, second;
  bool first_wants = false, second_wants = false;

 protected:
  List backward(List& gradients) override {
    const at::AutoGradMode recording(true);
    const TensorPair inputs{first.detach().requires_grad_(first_wants), second.detach().requires_grad_(second_wants)};
    const TensorPair outputs = [&] {
      const trace::Scope span({.kind = trace::Kind::layer, .way = trace::Way::again});
      return body(inputs);
    }();
    torch::autograd::variable_list roots, root_gradients;
    for (int i = 0; i < 2; ++i) {
      const at::Tensor& output = i == 0 ? outputs.first : outputs.second;
      if (!gradients[static_cast<std::size_t>(i)].defined() || !output.requires_grad()) continue;
      roots.push_back(output);
      root_gradients.push_back(gradients[static_cast<std::size_t>(i)]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, root_gradients);
    return {inputs.first.grad(), inputs.second.grad()};
  }
  void release() override {
    first.reset();
    second.reset();
  }
};

}  // namespace

TensorPair checkpointed(const std::function<TensorPair(const TensorPair&)>& body, const TensorPair& inputs) {
  if (!at::GradMode::is_enabled()) return body(inputs);
  TensorPair outputs;
  {
    at::NoGradGuard no_gradients;
    outputs = body(inputs);
  }
  // Recorded even when no input wants a gradient: the adapters inside the body do.
  const auto node = std::make_shared<CheckpointNode>();
  node->body = body;
  node->first = inputs.first.detach();
  node->second = inputs.second.detach();
  node->first_wants = inputs.first.requires_grad();
  node->second_wants = inputs.second.requires_grad();
  ops::connect(node, {inputs.first, inputs.second}, {outputs.first, outputs.second});
  return outputs;
}

}  // namespace pst::nn
