// SPDX-License-Identifier: Apache-2.0
#include "peft/input_linear.hpp"

#include "core/error.hpp"
#include "core/trace.hpp"
#include "ops/backward_node.hpp"
#include "ops/wide.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {

/// dz = dy W      dx = T' dz      the matrices' gradients of x and dz, and from those the trained values'
class InputNode final : public ops::Node {
 public:
  InputNode(const InputLinear& layer, const nn::Pass& pass, at::Tensor x_ni)
      : layer_(layer), pass_(pass), x_ni_(std::move(x_ni)) {}

 protected:
  List backward(List& gradients) override {
    List out(1 + layer_.parameters().size());
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_no = gradients[0].contiguous();
    const Tensors leaves = layer_.leaves();
    Tensors roots, in_dtype;
    {
      const at::AutoGradMode recording(true);
      roots = layer_.matrices(leaves, pass_);
    }
    for (const at::Tensor& root : roots) in_dtype.push_back(root.detach().to(dy_no.scalar_type()));
    at::Tensor dz_ni;
    {
      const trace::Scope span(trace::Kind::linear, nullptr);
      dz_ni = layer_.base().apply_transposed(dy_no);
    }
    Tensors of_roots = layer_.gradients(x_ni_, dz_ni, in_dtype);
    if (wanted(0)) out[0] = layer_.turned_back(dz_ni, in_dtype);
    for (at::Tensor& of : of_roots) of = ops::widened(of);
    const Tensors of_leaves = InputLinear::gradients_of(leaves, roots, of_roots);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (wanted(i + 1)) out[i + 1] = of_leaves[i];
    return out;
  }
  void release() override { x_ni_.reset(); }

 private:
  const InputLinear& layer_;
  nn::Pass pass_;
  at::Tensor x_ni_;
};

Tensors InputLinear::made(const Tensors& trained, at::ScalarType dtype, const nn::Pass& pass) const {
  Tensors all = matrices(trained, pass);
  for (at::Tensor& matrix : all) matrix = matrix.to(dtype);
  return all;
}

at::Tensor InputLinear::run(const at::Tensor&, const Tensors&, const nn::Pass&) const {
  throw Error(Fault::bug, "a layer of a changed input is not run by itself");
}

at::Tensor InputLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  return turned_back(base().weight(at::kFloat), made(masters(), at::kFloat, {})).to(dtype);
}

at::Tensor InputLinear::apply(const at::Tensor& x_ni) const {
  at::NoGradGuard no_gradients;
  return base().apply(turned(x_ni, made(floats(), x_ni.scalar_type(), {})));
}

at::Tensor InputLinear::apply_transposed(const at::Tensor& dy_no) const {
  at::NoGradGuard no_gradients;
  return turned_back(base().apply_transposed(dy_no), made(floats(), dy_no.scalar_type(), {}));
}

at::Tensor InputLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  const trace::Scope span(trace::Kind::adapter, "adapter");
  at::Tensor y_no;
  {
    at::NoGradGuard no_gradients;
    const at::Tensor z_ni = turned(x_ni.detach().contiguous(), made(floats(), x_ni.scalar_type(), pass));
    const trace::Scope frozen(trace::Kind::linear, nullptr);
    y_no = base().apply(z_ni);
  }
  record<InputNode>(x_ni, y_no, *this, pass, x_ni.detach().contiguous());
  return y_no;
}

}  // namespace pst::peft
