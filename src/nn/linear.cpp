// SPDX-License-Identifier: Apache-2.0
#include "nn/linear.hpp"

#include "ops/backward_node.hpp"
#include "ops/gemm.hpp"

namespace pst::nn {
namespace {

class FrozenLinearNode final : public ops::Node {
 public:
  explicit FrozenLinearNode(const Linear& layer) : layer_(layer) {}

 protected:
  List backward(List& gradients) override {
    if (!gradients[0].defined()) return List(1);
    return {layer_.apply_transposed(gradients[0].contiguous())};
  }
  void release() override {}

 private:
  const Linear& layer_;
};

}  // namespace

at::Tensor Linear::forward(const at::Tensor& x_ni, const Pass&) const {
  const trace::Scope span(trace::Kind::linear, "linear");
  at::Tensor y;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    y = apply(x_ni);
  }
  if (ops::records({x_ni})) ops::connect(std::make_shared<FrozenLinearNode>(*this), {x_ni}, {y});
  return y;
}

at::Tensor Linear::add_applied(at::Tensor sum_no, Rows& x_ni) const { return sum_no.add_(apply(x_ni.values)); }
at::Tensor Linear::add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const {
  return sum_ni.add_(apply_transposed(dy_no));
}

std::vector<at::Tensor> Linear::forward_together(std::span<const Linear* const> layers, const char*,
                                                 const at::Tensor& x_ni, const Pass& pass) const {
  std::vector<at::Tensor> outputs;
  for (const Linear* const layer : layers) outputs.push_back(layer->forward(x_ni, pass));
  return outputs;
}

at::Tensor DenseLinear::apply(const at::Tensor& x_ni) const { return ops::matmul_nt(x_ni, weight_, bias_); }
at::Tensor DenseLinear::apply_transposed(const at::Tensor& dy_no) const { return ops::matmul_nn(dy_no, weight_); }
at::Tensor DenseLinear::add_applied(at::Tensor sum_no, Rows& x_ni) const {
  return ops::add_matmul_nt(std::move(sum_no), x_ni.values, weight_, bias_);
}
at::Tensor DenseLinear::add_applied_transposed(at::Tensor sum_ni, const at::Tensor& dy_no) const {
  return ops::add_matmul_nn(std::move(sum_ni), dy_no, weight_);
}

}  // namespace pst::nn
