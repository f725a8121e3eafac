// SPDX-License-Identifier: Apache-2.0
#include "peft/output_linear.hpp"

#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/error.hpp"
#include "core/trace.hpp"
#include "ops/backward_node.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {

/// du and the trained values' gradients of y = F(u), and dx = du W.
class OutputNode final : public ops::Node {
 public:
  OutputNode(const OutputLinear& layer, at::Tensor u_no) : layer_(layer), u_no_(std::move(u_no)) {}

 protected:
  List backward(List& gradients) override {
    List out(1 + layer_.parameters().size());
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_no = gradients[0].contiguous();
    Tensors leaves = layer_.floats();
    leaves.insert(leaves.begin(), u_no_.detach());
    at::Tensor y_no;
    {
      const at::AutoGradMode recording(true);
      for (at::Tensor& leaf : leaves) leaf = leaf.detach().requires_grad_(true);
      y_no = layer_.changed(leaves[0], {leaves.begin() + 1, leaves.end()});
    }
    auto of_leaves = torch::autograd::grad({y_no}, leaves, {dy_no});
    if (wanted(0)) {
      const trace::Scope span(trace::Kind::linear, nullptr);
      out[0] = layer_.base().apply_transposed(of_leaves[0].contiguous());
    }
    for (std::size_t i = 1; i < leaves.size(); ++i)
      if (wanted(i)) out[i] = of_leaves[i];
    return out;
  }
  void release() override { u_no_.reset(); }

 private:
  const OutputLinear& layer_;
  at::Tensor u_no_;
};

at::Tensor OutputLinear::run(const at::Tensor&, const Tensors&, const nn::Pass&) const {
  throw Error(Fault::bug, "what is made of an output is not run by itself");
}

at::Tensor OutputLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  const at::Tensor w_io = base().weight(at::kFloat).t();
  const at::Tensor of_nothing = changed(at::zeros({1, out_features()}, w_io.options()), masters());
  return changed(w_io.contiguous(), masters()).sub_(of_nothing).t().to(dtype).contiguous();
}

at::Tensor OutputLinear::apply(const at::Tensor& x_ni) const {
  at::NoGradGuard no_gradients;
  return changed(base().apply(x_ni), floats());
}

at::Tensor OutputLinear::apply_transposed(const at::Tensor& dy_no) const {
  const at::AutoGradMode recording(true);
  const at::Tensor u_no = at::zeros(dy_no.sizes(), dy_no.options()).requires_grad_(true);
  const auto du_no = torch::autograd::grad({changed(u_no, floats())}, {u_no}, {dy_no}).front();
  at::NoGradGuard no_gradients;
  return base().apply_transposed(du_no.contiguous());
}

at::Tensor OutputLinear::forward(const at::Tensor& x_ni, const nn::Pass&) const {
  const trace::Scope span(trace::Kind::adapter, "adapter");
  at::Tensor u_no, y_no;
  {
    at::NoGradGuard no_gradients;
    {
      const trace::Scope frozen(trace::Kind::linear, nullptr);
      u_no = base().apply(x_ni.detach());
    }
    y_no = changed(u_no, floats());
  }
  record<OutputNode>(x_ni, y_no, *this, u_no);
  return y_no;
}

}  // namespace pst::peft
