// SPDX-License-Identifier: Apache-2.0
// GraLoRA: a low-rank update for every block of the weight.
#include "methods/gralora.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>

#include <cmath>

#include "peft/factor_linear.hpp"
#include "peft/fill.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: i features in, o features out, both in k blocks; n a block of inputs, m one of outputs, s = r / k the
// rank of a block of the weight.
namespace pst::peft {
namespace {

/// Block (m, n) of the update is scale * B_m[n] A_n[m], of rank r / k; to that an update of the whole weight may be
/// added. Written as one low-rank update of rank k r, of which most values are zeros.
/// @see Jung et al. 2025, arXiv:2505.20355, section 3
class GraloraLinear final : public FactorLinear {
 public:
  using FactorLinear::FactorLinear;

  void start(const Rng& rng) override {
    fill_uniform(master(0), 1 / std::sqrt(static_cast<double>(master(0).size(1))), rng.child(0));
    master(1).zero_();
    if (adapted().tensors.size() == 2) return;
    fill_kaiming(master(2), rng.child(2));
    master(3).zero_();
  }

 private:
  Factors factors(const Tensors& trained, const nn::Pass&) const override {
    const at::Tensor &a = trained[0], &b = trained[1];
    const std::int64_t k = a.size(0), r = a.size(2), s = r / k;
    const at::Tensor one = at::eye(k, a.options());
    // rows (m, n, s), columns (n, i / k)
    const at::Tensor a_mnsi = a.view({k, -1, k, s}).permute({2, 0, 3, 1}).unsqueeze(3);
    const at::Tensor a_ri = (a_mnsi * one.view({1, k, 1, k, 1})).reshape({k * r, in_features()});
    // rows (m, o / k), columns (m, n, s)
    const at::Tensor b_omr = b.permute({2, 0, 1}).unsqueeze(0);
    const at::Tensor b_or = (b_omr * one.view({k, 1, k, 1})).reshape({out_features(), k * r});
    if (trained.size() == 2) return {a_ri, b_or * adapted().scale};
    return {at::cat({a_ri, trained[2]}), at::cat({b_or, trained[3]}, 1) * adapted().scale};
  }
};

}  // namespace

std::unique_ptr<Adapter> make_gralora(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                      at::Device device) {
  return adapt_linears(model, recipe, compute, device,
                       {.wrap = [](Site site) { return std::make_unique<GraloraLinear>(std::move(site)); }});
}

}  // namespace pst::peft
