// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/variable.h>

#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "core/trace.hpp"
#include "ops/torch_exec.hpp"

namespace pst::ops {

/// A step of the backward pass written by hand. A subclass keeps what it needs as plain tensors: inputs as they are,
/// outputs detached (an output that is kept whole would keep its own node alive for ever).
class Node : public torch::autograd::Node {
 public:
  using List = torch::autograd::variable_list;
  List apply(List&& gradients) final {
    at::NoGradGuard no_gradients;
    const trace::Backward span(origin_);
    return backward(gradients);
  }
  void release_variables() override { release(); }

 protected:
  /// @param gradients  one per output of forward; undefined where nothing arrived
  /// @return           one per input given to connect(); undefined where wanted(i) is false
  virtual List backward(List& gradients) = 0;
  virtual void release() = 0;
  bool wanted(std::size_t input) const { return task_should_compute_output(input); }

 private:
  trace::Origin origin_ = trace::Origin::here();  ///< libtorch may run backward on another thread
};

/// True when a node has to be recorded for these inputs.
inline bool records(std::span<const at::Tensor> inputs) {
  if (!at::GradMode::is_enabled()) return false;
  for (const auto& input : inputs)
    if (input.defined() && input.requires_grad()) return true;
  return false;
}
inline bool records(std::initializer_list<at::Tensor> inputs) {
  return records(std::span(inputs.begin(), inputs.size()));
}

/// Puts `node` between inputs and outputs. Undefined inputs are allowed and get no gradient.
inline void connect(const std::shared_ptr<Node>& node, std::span<const at::Tensor> inputs,
                    std::span<const at::Tensor> outputs) {
  torch::autograd::edge_list edges;
  for (const auto& input : inputs)
    edges.push_back(input.defined() && input.requires_grad() ? torch::autograd::impl::gradient_edge(input)
                                                             : torch::autograd::Edge());
  node->set_next_edges(std::move(edges));
  for (const auto& output : outputs) torch::autograd::create_gradient_edge(const_cast<at::Tensor&>(output), node);
}
inline void connect(const std::shared_ptr<Node>& node, std::initializer_list<at::Tensor> inputs,
                    std::initializer_list<at::Tensor> outputs) {
  connect(node, std::span(inputs.begin(), inputs.size()), std::span(outputs.begin(), outputs.size()));
}

}  // namespace pst::ops
