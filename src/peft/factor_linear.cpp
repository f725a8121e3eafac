// SPDX-License-Identifier: Apache-2.0
#include "peft/factor_linear.hpp"

#include <ATen/TensorOperators.h>

#include "core/error.hpp"
#include "core/trace.hpp"
#include "ops/backward_node.hpp"
#include "ops/gemm.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r rank.
namespace pst::peft {

/// With z = dropout(x), h = A z (kept) and g = dy B:
///   dB = dy^T h      dA = g^T z      dx = dy W + dropout'(g A)
class FactorNode final : public ops::Node {
 public:
  FactorNode(const FactorLinear& layer, const nn::Pass& pass, at::Tensor x_ni, at::Tensor h_nr)
      : layer_(layer), pass_(pass), x_ni_(std::move(x_ni)), h_nr_(std::move(h_nr)) {}

 protected:
  List backward(List& gradients) override {
    List out(1 + layer_.parameters().size());
    if (!gradients[0].defined()) return out;
    const at::Tensor dy_no = gradients[0].contiguous();
    const Tensors leaves = layer_.leaves();
    FactorLinear::Factors factors;
    {
      const at::AutoGradMode recording(true);
      factors = layer_.factors(leaves, pass_);
    }
    const at::ScalarType dtype = dy_no.scalar_type();
    Tensors roots, of_roots;
    const auto collect = [&](const at::Tensor& factor, const at::Tensor& gradient) {
      roots.push_back(factor);
      of_roots.push_back(gradient);
    };
    if (factors.b_or.requires_grad()) collect(factors.b_or, ops::wide_matmul_tn(dy_no, h_nr_));
    at::Tensor g_nr;
    if (wanted(0) || factors.a_ri.requires_grad())
      g_nr = ops::matmul_nn(dy_no, factors.b_or.detach().to(dtype).contiguous());
    if (factors.a_ri.requires_grad())
      collect(factors.a_ri, ops::wide_matmul_tn(g_nr, layer_.dropped(x_ni_, layer_.adapted().dropout, pass_)));
    // First of all: what the factors were made of may be the base's weight, in memory that its next product writes
    // over.
    const Tensors of_leaves = FactorLinear::gradients_of(leaves, roots, of_roots);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (wanted(i + 1) && !layer_.add_to_shared(i, of_leaves[i])) out[i + 1] = of_leaves[i];
    if (wanted(0)) {
      const at::Tensor update_ni = layer_.dropped(ops::matmul_nn(g_nr, factors.a_ri.detach().to(dtype).contiguous()),
                                                  layer_.adapted().dropout, pass_);
      const trace::Scope span(trace::Kind::linear, nullptr);
      out[0] = layer_.base().add_applied_transposed(update_ni, dy_no);
    }
    return out;
  }
  void release() override {
    x_ni_.reset();
    h_nr_.reset();
  }

 private:
  const FactorLinear& layer_;
  nn::Pass pass_;
  at::Tensor x_ni_, h_nr_;
};

/// libtorch adds gradients of several layers up before it adds them to the sum, but for layers that are computed once
/// more, which have a pass of their own: one after the other they have the same bits either way.
bool FactorLinear::add_to_shared(std::size_t index, const at::Tensor& gradient) const {
  if (index < site().trained.size() || !gradient.defined()) return false;
  at::Tensor& sum = site().shared.at(index - site().trained.size())->value.mutable_grad();
  if (sum.defined()) sum.add_(gradient);
  return sum.defined();
}

FactorLinear::Factors FactorLinear::made(at::ScalarType dtype, const nn::Pass& pass) const {
  const at::NoGradGuard no_gradients;
  const Factors made = factors(floats(), pass);
  return {made.a_ri.to(dtype).contiguous(), made.b_or.to(dtype).contiguous()};
}

at::Tensor FactorLinear::run(const at::Tensor&, const Tensors&, const nn::Pass&) const {
  throw Error(Fault::bug, "a low-rank update is not run by itself");
}

at::Tensor FactorLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  const Factors made = factors(masters(), {});
  return base().weight(at::kFloat).add(ops::matmul_nn(made.b_or.contiguous(), made.a_ri.contiguous())).to(dtype);
}

at::Tensor FactorLinear::apply(const at::Tensor& x_ni) const {
  if (adapted().rank == 0) return base().apply(x_ni);
  at::NoGradGuard no_gradients;
  const auto [a_ri, b_or] = made(x_ni.scalar_type(), {});
  return ops::add_matmul_nt(base().apply(x_ni), ops::matmul_nt(x_ni, a_ri), b_or);
}

at::Tensor FactorLinear::apply_transposed(const at::Tensor& dy_no) const {
  at::NoGradGuard no_gradients;
  const auto [a_ri, b_or] = made(dy_no.scalar_type(), {});
  return ops::add_matmul_nn(base().apply_transposed(dy_no), ops::matmul_nn(dy_no, b_or), a_ri);
}

at::Tensor FactorLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  if (adapted().rank == 0) return base().forward(x_ni, pass);
  const trace::Scope span(trace::Kind::adapter, "adapter");
  at::Tensor y_no, h_nr;
  {
    at::NoGradGuard no_gradients;
    const auto [a_ri, b_or] = made(x_ni.scalar_type(), pass);
    h_nr = ops::matmul_nt(dropped(x_ni.detach(), adapted().dropout, pass), a_ri);
    at::Tensor update_no = ops::matmul_nt(h_nr, b_or);
    const trace::Scope frozen(trace::Kind::linear, nullptr);
    nn::Rows rows{x_ni.detach()};
    y_no = base().add_applied(std::move(update_no), rows);
  }
  record<FactorNode>(x_ni, y_no, *this, pass, x_ni.detach(), h_nr);
  return y_no;
}

}  // namespace pst::peft
