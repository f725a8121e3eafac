// SPDX-License-Identifier: Apache-2.0
// Poly: a router mixes low-rank skills.
#include "methods/poly.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, r rank, q splits, s skills; d = i / q, f = o / q.
namespace pst::peft {
namespace {

/// y = W x + (1 / r) B A x, with A = sum_s w_qs A_qs split by split of the inputs, B likewise of the outputs, and w the
/// router's shares: p / sum_s p, p = sigmoid(logits). In training p has noise: a sample of the relaxed Bernoulli
/// distribution of temperature 1, drawn for each micro batch. PEFT draws one for each row of a batch.
/// @see Ponti et al. 2022, arXiv:2202.13914, section 3; Caccia et al. 2022, arXiv:2211.03831 (splits)
class PolyLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;

  void start(const Rng& rng) override {
    fill_uniform(master(0), 1 / std::sqrt(static_cast<double>(master(0).size(2))), rng.child(0));
    master(1).zero_();
    fill_uniform(master(2), 1e-3, rng.child(2));
  }

 private:
  /// log(u) - log(1 - u), u uniform, as torch keeps it from both ends.
  at::Tensor noise(const at::Tensor& like, const nn::Pass& pass) const {
    const Rng rng = pass.random.child(adapted().layer).child("router");
    const at::Tensor made = at::empty(like.sizes(), at::kFloat);
    float* const values = made.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < made.numel(); ++i) {
      constexpr float kEdge = std::numeric_limits<float>::epsilon();
      const float u = std::clamp(static_cast<float>(rng.uniform(static_cast<std::uint64_t>(i))), kEdge, 1 - kEdge);
      values[i] = std::log(u) - std::log1p(-u);
    }
    return made.to(like.device());
  }
  Factors factors(const Tensors& trained, const nn::Pass& pass) const override {
    const at::Tensor &a_qsdr = trained[0], &b_qsrf = trained[1];
    const std::int64_t r = a_qsdr.size(3);
    const at::Tensor logits_qs = trained[2].view({a_qsdr.size(0), a_qsdr.size(1)});
    const at::Tensor p_qs = at::sigmoid(pass.training ? logits_qs + noise(logits_qs, pass) : logits_qs);
    const at::Tensor w_qs11 = (p_qs / (p_qs.sum(1, /*keepdim=*/true) + 1e-12)).unsqueeze(2).unsqueeze(3);
    const at::Tensor a_ir = (w_qs11 * a_qsdr).sum(1).view({in_features(), r});
    const at::Tensor b_or = (w_qs11 * b_qsrf).sum(1).transpose(1, 2).reshape({out_features(), r});
    return {a_ir.t(), b_or * adapted().scale};
  }
};

}  // namespace

std::unique_ptr<Adapter> make_poly(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                   at::Device device) {
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [](Site site) { return std::make_unique<PolyLinear>(std::move(site)); }});
}

}  // namespace pst::peft
