// SPDX-License-Identifier: Apache-2.0
// PSOFT: the weight's largest singular directions are turned.
#include "methods/psoft.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/eye.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/where.h>

#include "peft/cayley.hpp"
#include "peft/factor_linear.hpp"
#include "peft/linears_adapter.hpp"
#include "peft/singular.hpp"
#include "peft/torch_random.hpp"

// Shape letters: i features in, o features out, r singular directions.
namespace pst::peft {
namespace {

/// y = W x + scale * B (R - 1) A dropout(x), with scale * B A the r largest parts of W's singular value decomposition
/// and R = diag(b) Q diag(a), Q orthogonal. A and B are made of the base, and never saved.
/// @see Wu et al. 2025, arXiv:2505.11235, section 4
class PsoftLinear final : public FactorLinear {
 public:
  PsoftLinear(Site given, const methods::Psoft& keys) : FactorLinear(std::move(given)), keys_(keys) {}

  void prepare() override {
    const at::Tensor w_oi = base().weight(at::kFloat);
    at::Generator numbers = torch_generator(static_cast<std::uint64_t>(keys_.random_seed));
    const auto [u_or, s_r, v_ri] = keys_.psoft_svd == methods::PsoftSvd::full
                                       ? largest_singular(w_oi, keys_.r)
                                       : approximate_singular(w_oi, keys_.r, keys_.psoft_svd_lowrank_niter, numbers);
    const at::Tensor scaled_r = s_r / adapted().scale;
    const bool roots = keys_.ab_svd_init == methods::PsoftInit::pissa_init;
    a_ri().copy_(roots ? scaled_r.sqrt().unsqueeze(1) * v_ri : v_ri);
    b_or().copy_(u_or * (roots ? scaled_r.sqrt() : scaled_r));
  }
  void start(const Rng&) override {
    if (keys_.psoft_orth)
      master(0).zero_();
    else
      master(0).copy_(at::eye(keys_.r, master(0).options()));
    for (std::size_t i = 1; i < site().trained.size(); ++i) master(i).fill_(1);
  }

 private:
  const at::Tensor& a_ri() const { return site().frozen[0]; }
  const at::Tensor& b_or() const { return site().frozen[1]; }

  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    at::Tensor r_rr = keys_.psoft_orth ? rotation(trained[0]) : trained[0];
    if (keys_.psoft_mag_b) r_rr = trained[1].unsqueeze(1) * r_rr;
    if (keys_.psoft_mag_a) r_rr = r_rr * trained.back();
    return {a_ri(), at::matmul(b_or(), r_rr - at::eye(keys_.r, r_rr.options())) * adapted().scale};
  }
  at::Tensor rotation(const at::Tensor& above) const {
    at::Tensor q_rr = skew_of(above.unsqueeze(0), keys_.r);
    if (!keys_.use_cayley_neumann) return cayley(-q_rr)[0];
    if (const auto most = keys_.cayley_neumann_eps) {
      const at::Tensor norm = q_rr.norm();
      q_rr = at::where(norm > *most, q_rr * (*most / (norm + 1e-12)), q_rr);
    }
    return cayley_series(q_rr, keys_.num_cayley_neumann_terms)[0];
  }
  methods::Psoft keys_;
};

}  // namespace

std::unique_ptr<Adapter> make_psoft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                    at::Device device) {
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [keys = recipe.as<methods::Psoft>()](
                                    Site site) { return std::make_unique<PsoftLinear>(std::move(site), keys); },
                        .studies = true});
}

}  // namespace pst::peft
