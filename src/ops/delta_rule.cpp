// SPDX-License-Identifier: Apache-2.0
#include "ops/delta_rule.hpp"

#include <ATen/ops/empty_like.h>

#include "kernels/causal_conv/causal_conv.hpp"
#include "kernels/delta_rule/delta_rule.hpp"
#include "ops/backward_node.hpp"

namespace pst::ops {
namespace {

kernels::DeltaShape shape_of(DeltaHeads heads, const std::vector<std::int64_t>& starts) {
  return {heads.key, heads.value, heads.key_dim, heads.value_dim, starts};
}

class DeltaNode final : public Node {
 public:
  at::Tensor q, k, v, g, beta;
  DeltaHeads heads;
  std::vector<std::int64_t> starts;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(5);
    const at::Tensor dout = gradients[0].contiguous();
    List d;
    for (const at::Tensor* const input : {&q, &k, &v, &g, &beta}) d.push_back(at::empty_like(*input));
    kernels::delta_rule_backward(exec_of(q), view_of(dout), view_of(q), view_of(k), view_of(v), view_of(g),
                                 view_of(beta), shape_of(heads, starts), view_of(d[0]), view_of(d[1]), view_of(d[2]),
                                 view_of(d[3]), view_of(d[4]));
    return d;
  }
  void release() override {
    for (at::Tensor* const tensor : {&q, &k, &v, &g, &beta}) tensor->reset();
  }
};

class ConvNode final : public Node {
 public:
  at::Tensor x, weight;
  std::vector<std::int64_t> starts;

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    const at::Tensor dy = gradients[0].contiguous(), dx = at::empty_like(x);
    kernels::causal_conv_backward(exec_of(x), view_of(dy), view_of(x), view_of(weight), starts, view_of(dx));
    return {dx};
  }
  void release() override { x.reset(); }
};

at::Tensor like(const at::Tensor& x) {
  at::AutoDispatchBelowADInplaceOrView below;
  return at::empty_like(x);
}

}  // namespace

at::Tensor delta_rule(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& g,
                      const at::Tensor& beta, DeltaHeads heads, const std::vector<std::int64_t>& starts,
                      const at::Tensor& state) {
  const trace::Scope span(trace::Kind::attention, "delta rule");
  const at::Tensor out = like(v);
  kernels::delta_rule(exec_of(q), view_of(q), view_of(k), view_of(v), view_of(g), view_of(beta),
                      shape_of(heads, starts), state.defined() ? view_of(state) : View{}, view_of(out));
  if (records({q, k, v, g, beta})) {
    const auto node = std::make_shared<DeltaNode>();
    node->q = q.detach();
    node->k = k.detach();
    node->v = v.detach();
    node->g = g.detach();
    node->beta = beta.detach();
    node->heads = heads;
    node->starts = starts;
    connect(node, {q, k, v, g, beta}, {out});
  }
  return out;
}

at::Tensor causal_conv(const at::Tensor& x, const at::Tensor& weight, const std::vector<std::int64_t>& starts,
                       const at::Tensor& before) {
  const trace::Scope span(trace::Kind::attention, "convolution");
  const at::Tensor y = like(x);
  kernels::causal_conv(exec_of(x), view_of(x), view_of(weight), starts, before.defined() ? view_of(before) : View{},
                       view_of(y));
  if (records({x})) {
    const auto node = std::make_shared<ConvNode>();
    node->x = x.detach();
    node->weight = weight;
    node->starts = starts;
    connect(node, {x}, {y});
  }
  return y;
}

}  // namespace pst::ops
