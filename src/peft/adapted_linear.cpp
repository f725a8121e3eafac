// SPDX-License-Identifier: Apache-2.0
#include "peft/adapted_linear.hpp"

#include <ATen/ops/eye.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include "core/trace.hpp"
#include "nn/in_use.hpp"
#include "ops/backward_node.hpp"
#include "ops/dropout.hpp"
#include "ops/wide.hpp"

// Shape letters: n rows (tokens), i features in, o features out.
namespace pst::peft {
namespace {

class DropoutNode final : public ops::Node {
 public:
  DropoutNode(double chance, const Rng& rng) : chance_(chance), rng_(rng) {}

 protected:
  List backward(List& gradients) override {
    return {gradients[0].defined() ? ops::dropped(gradients[0].contiguous(), chance_, rng_) : at::Tensor()};
  }
  void release() override {}

 private:
  double chance_;
  Rng rng_;
};

}  // namespace

std::vector<const nn::Parameter*> AdaptedLinear::parameters() const {
  std::vector<const nn::Parameter*> all(site_.trained.begin(), site_.trained.end());
  all.insert(all.end(), site_.shared.begin(), site_.shared.end());
  return all;
}

Tensors AdaptedLinear::in_use() const {
  Tensors all;
  for (const nn::Parameter* const parameter : parameters()) all.push_back(nn::in_use(*parameter));
  return all;
}

Tensors AdaptedLinear::floats() const {
  Tensors all;
  for (const nn::Parameter* const parameter : parameters()) all.push_back(ops::widened(parameter->compute.detach()));
  return all;
}

Tensors AdaptedLinear::leaves() const {
  Tensors all = floats();
  for (at::Tensor& leaf : all) leaf = leaf.detach().requires_grad_(true);
  return all;
}

Tensors AdaptedLinear::gradients_of(const Tensors& leaves, const Tensors& made, const Tensors& gradients_of_made) {
  return torch::autograd::grad(made, leaves, gradients_of_made, /*retain_graph=*/false, /*create_graph=*/false,
                               /*allow_unused=*/true);
}

Tensors AdaptedLinear::masters() const {
  Tensors all;
  for (const nn::Parameter* const parameter : parameters()) all.push_back(parameter->value.detach());
  return all;
}

at::Tensor AdaptedLinear::forward(const at::Tensor& x_ni, const nn::Pass& pass) const {
  const trace::Scope span(trace::Kind::adapter, "adapter");
  return run(x_ni, in_use(), pass);
}

at::Tensor AdaptedLinear::apply(const at::Tensor& x_ni) const {
  at::NoGradGuard no_gradients;
  return run(x_ni, in_use(), {});
}

at::Tensor AdaptedLinear::apply_transposed(const at::Tensor& dy_no) const {
  const at::AutoGradMode recording(true);
  const at::Tensor x_ni = at::zeros({dy_no.size(0), in_features()}, dy_no.options()).requires_grad_(true);
  return torch::autograd::grad({run(x_ni, in_use(), {})}, {x_ni}, {dy_no}).front();
}

at::Tensor AdaptedLinear::weight(at::ScalarType dtype) const {
  at::NoGradGuard no_gradients;
  const at::Tensor of_nothing = at::zeros({1, in_features()}, base().weight(at::kFloat).options());
  const at::Tensor rows = at::eye(in_features(), of_nothing.options());
  const at::Tensor bias = run(of_nothing, masters(), {});
  return run(rows, masters(), {}).sub_(bias).t().to(dtype).contiguous();
}

at::Tensor AdaptedLinear::dropped(const at::Tensor& x_ni, double chance, const nn::Pass& pass) const {
  if (!pass.training || chance == 0) return x_ni;
  const Rng rng = pass.random.child(site_.adapted.layer);
  at::Tensor out;
  {
    at::AutoDispatchBelowADInplaceOrView below;
    out = ops::dropped(x_ni, chance, rng);
  }
  if (ops::records({x_ni})) ops::connect(std::make_shared<DropoutNode>(chance, rng), {x_ni}, {out});
  return out;
}

bool AdaptedLinear::is_left_out(double chance, const nn::Pass& pass) const {
  if (!pass.training || chance == 0) return false;
  return static_cast<double>(pass.random.child(site_.adapted.layer).child("module").uniform(0)) < chance;
}

}  // namespace pst::peft
