// SPDX-License-Identifier: Apache-2.0
// DeLoRA: a low-rank update of normalised parts, whose strength is a value of its own.
#include "methods/delora.hpp"

#include <ATen/TensorOperators.h>

#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, r rank.
namespace pst::peft {
namespace {

/// y = W x + lambda / r * sum_j b_j a_j' (w * x) / (|a_j| |b_j|), w the norms of W's columns.
/// @see Bini et al. 2025, arXiv:2503.18225, section 3
class DeloraLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;

  void prepare() override { site().frozen[0].copy_(base().weight(at::kFloat).norm(2, {0}, /*keepdim=*/false)); }
  void start(const Rng& rng) override {
    fill_kaiming(master(0), rng.child(0));
    master(1).zero_();
    master(2).fill_(adapted().scale);
  }

 private:
  static constexpr double kLeastNorm = 1e-4;  // PEFT's

  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor &a_ri = trained[0], &b_or = trained[1], &lambda = trained[2];
    const at::Tensor norms_r = a_ri.norm(2, {1}).clamp_min(kLeastNorm) * b_or.norm(2, {0}).clamp_min(kLeastNorm);
    return {a_ri * site().frozen[0], b_or * (lambda / a_ri.size(0) / norms_r)};
  }
};

}  // namespace

std::unique_ptr<Adapter> make_delora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                     at::Device device) {
  return adapt_linears(
      model, recipe, compute, device,
      {.wrap = [](Site site) { return std::make_unique<DeloraLinear>(std::move(site)); }, .studies = true});
}

}  // namespace pst::peft
