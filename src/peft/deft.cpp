// SPDX-License-Identifier: Apache-2.0
// DEFT: directions of the output are projected away, and learned ones put in their place.
#include "methods/deft.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include "ops/wide.hpp"
#include "peft/adapted_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r directions.
namespace pst::peft {
namespace {

/// y = u - Q right' u + scale * Q R dropout(x) + b, u = W x, with Q = P and right = relu(P), or Q = right = the
/// orthogonal factor of P.
class DeftLinear final : public AdaptedLinear {
 public:
  DeftLinear(Site given, methods::DeftProjection projection)
      : AdaptedLinear(std::move(given)), projection_(projection) {}

  void prepare() override {
    bias_o_ = base().apply(at::zeros({1, in_features()}, site().trained[0]->compute.options()))[0];
  }
  /// R gives back what the projection takes away.
  void start(const Rng& rng) override {
    fill_normal(master(0), 0.02, rng.child(0));
    if (puts_in())
      master(1).copy_(at::matmul(sides(master(0)).second.t(), base().weight(master(0).scalar_type())) /
                      adapted().scale);
  }

 private:
  bool puts_in() const { return adapted().tensors.size() == 2; }

  std::pair<at::Tensor, at::Tensor> sides(const at::Tensor& p_or) const {
    if (projection_ == methods::DeftProjection::relu) return {p_or, p_or.relu()};
    const at::Tensor q_or = std::get<0>(at::linalg_qr(p_or));
    return {q_or, q_or};
  }
  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const override {
    const at::ScalarType dtype = x_ni.scalar_type();
    const auto [q_or, right_or] = sides(ops::widened(trained[0]));
    const at::Tensor u_no = base().forward(x_ni, pass);
    const at::Tensor away_nr = at::matmul(u_no - bias_o_, right_or.to(dtype));
    if (!puts_in()) return u_no - at::matmul(away_nr, q_or.t().to(dtype));
    const at::Tensor r_ri = (trained[1] * adapted().scale).to(dtype);
    const at::Tensor in_nr = at::matmul(dropped(x_ni, adapted().dropout, pass), r_ri.t());
    return u_no + at::matmul(in_nr - away_nr, q_or.t().to(dtype));
  }
  methods::DeftProjection projection_;
  at::Tensor bias_o_;
};

}  // namespace

std::unique_ptr<Adapter> make_deft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  const auto projection = recipe.as<methods::Deft>().decomposition_method;
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [=](Site site) { return std::make_unique<DeftLinear>(std::move(site), projection); }, .studies = true});
}

}  // namespace pst::peft
