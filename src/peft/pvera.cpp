// SPDX-License-Identifier: Apache-2.0
// PVeRA: VeRA whose low-rank values are drawn from a learned distribution.
#include "methods/pvera.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>

#include "ops/gemm.hpp"
#include "ops/row_by_row.hpp"
#include "peft/adapted_linear.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/noise.hpp"
#include "peft/torch_random.hpp"

// Shape letters: n rows (tokens), i features in, o features out, r values drawn.
namespace pst::peft {
namespace {

at::Tensor product(const at::Tensor& x_ni, const at::Tensor& w_oi) {
  return ops::RowByRow::is_on() ? ops::matmul_nt(x_ni, w_oi.contiguous()) : at::linear(x_ni, w_oi);
}

/// y = W x + b * (B (m + e * exp(v / 2))), e normal, and (m, v) the halves of d * (A dropout(x)). A and B are frozen.
/// PEFT's paper: arXiv:2512.07703.
class PveraLinear final : public AdaptedLinear {
 public:
  PveraLinear(Site given, const methods::Pvera& keys) : AdaptedLinear(std::move(given)), keys_(keys) {}

  void start(const Rng&) override {
    master(0).zero_();
    master(1).fill_(keys_.d_initial);
  }

  /// With the means, as PEFT merges it.
  at::Tensor weight(at::ScalarType dtype) const override {
    at::NoGradGuard no_gradients;
    const Tensors trained = masters();
    const at::Tensor d_r1 = trained[1].narrow(0, 0, keys_.r).unsqueeze(1);
    const at::Tensor mean_oi = at::matmul(trained[0].unsqueeze(1) * b_or(), d_r1 * a_pi().narrow(0, 0, keys_.r));
    return base().weight(at::kFloat).add(mean_oi).to(dtype);
  }

 private:
  at::Tensor a_pi() const { return site().shared_frozen[0].narrow(1, 0, in_features()); }  // p: means, then variances
  at::Tensor b_or() const { return site().shared_frozen[1].narrow(0, 0, out_features()); }

  at::Tensor run(const at::Tensor& x_ni, const Tensors& trained, const nn::Pass& pass) const override {
    const at::ScalarType dtype = x_ni.scalar_type();
    const at::Tensor &b_o = trained[0], &d_p = trained[1];
    const at::Tensor h_np = product(dropped(x_ni, adapted().dropout, pass), a_pi().to(dtype)) * d_p;
    at::Tensor z_nr = h_np.narrow(1, 0, keys_.r);
    if (pass.training || keys_.sample_at_inference)
      z_nr = z_nr + noise(z_nr, pass) * (h_np.narrow(1, keys_.r, keys_.r) * 0.5).exp();
    return base().forward(x_ni, pass) + product(z_nr, b_or().to(dtype)) * b_o;
  }

  /// A function of pass, layer and place: a layer that is computed once more for backward draws the same.
  at::Tensor noise(const at::Tensor& like_nr, const nn::Pass& pass) const {
    const auto seed = static_cast<std::uint64_t>(keys_.generator_seed.value_or(0));
    return normal_like(like_nr, (pass.training ? pass.random : Rng(seed)).child(adapted().layer).child("noise"));
  }
  methods::Pvera keys_;
};

}  // namespace

std::unique_ptr<Adapter> make_pvera(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                    at::Device device) {
  const auto keys = recipe.as<methods::Pvera>();
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [=](Site site) { return std::make_unique<PveraLinear>(std::move(site), keys); },
                        .project_shared =
                            [=](const Tensors& frozen) {
                              at::Generator numbers =
                                  torch_generator(static_cast<std::uint64_t>(keys.projection_prng_key));
                              for (const at::Tensor& matrix : frozen)
                                matrix.copy_(kaiming_uniform(matrix.size(0), matrix.size(1), numbers));
                            }});
}

}  // namespace pst::peft
