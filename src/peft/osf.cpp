// SPDX-License-Identifier: Apache-2.0
// OSF: the weight's smaller singular directions are trained, the largest stay as they are.
#include "methods/osf.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/matmul.h>

#include "peft/factor_linear.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, r trained singular directions, k the others.
namespace pst::peft {
namespace {

/// y = W x + (U diag(s) V - U0 diag(s0) V0) x, where U0 diag(s0) V0 are the r smallest parts of W's singular value
/// decomposition, with which U, s and V start. The gradients of U and V lose what lies along the other directions.
/// @see Nayak et al. 2025, arXiv:2504.07097, section 4
class OsfLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;

  void prepare() override {
    const auto [u_om, s_m, v_mi] = at::linalg_svd(base().weight(at::kFloat), /*full_matrices=*/false);
    const std::int64_t r = s_0().size(0), k = s_m.size(0) - r;
    u_0().copy_(u_om.narrow(1, k, r));
    s_0().copy_(s_m.narrow(0, k, r));
    v_0().copy_(v_mi.narrow(0, k, r));
    if (out_features() > in_features()) high().copy_(u_om.narrow(1, 0, k));
    if (out_features() < in_features()) high().copy_(v_mi.narrow(0, 0, k));
  }
  void start(const Rng&) override {
    for (std::size_t i = 0; i < 3; ++i) master(i).copy_(site().frozen[i]);
  }

 private:
  const at::Tensor& u_0() const { return site().frozen[0]; }
  const at::Tensor& s_0() const { return site().frozen[1]; }
  const at::Tensor& v_0() const { return site().frozen[2]; }
  const at::Tensor& high() const { return site().frozen[3]; }  // U's or V's, whichever is not square with the low ones

  /// What of a change of U is at right angles to the directions that stay: where all of them span the outputs, that
  /// is what lies in U0.
  at::Tensor off_high_outputs(const at::Tensor& u_or) const {
    if (out_features() <= in_features()) return at::matmul(u_0(), at::matmul(u_0().t(), u_or));
    return u_or - at::matmul(high(), at::matmul(high().t(), u_or));
  }
  at::Tensor off_high_inputs(const at::Tensor& v_ri) const {
    if (out_features() >= in_features()) return at::matmul(at::matmul(v_ri, v_0().t()), v_0());
    return v_ri - at::matmul(at::matmul(v_ri, high().t()), high());
  }
  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    // The value as it is, with a gradient that has been projected: a projection is its own transpose.
    const at::Tensor u = trained[0].detach(), v = trained[2].detach();
    const at::Tensor u_or = u + off_high_outputs(trained[0] - u), v_ri = v + off_high_inputs(trained[2] - v);
    return {at::cat({v_ri, v_0()}), at::cat({u_or * trained[1], -(u_0() * s_0())}, 1)};
  }
};

}  // namespace

std::unique_ptr<Adapter> make_osf(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                  at::Device device) {
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [](Site site) { return std::make_unique<OsfLinear>(std::move(site)); }, .studies = true});
}

}  // namespace pst::peft
