// SPDX-License-Identifier: Apache-2.0
// OFT: the input is turned, block by block, before the frozen product.
#include "methods/oft.hpp"

#include <ATen/TensorOperators.h>

#include <ATen/ops/where.h>

#include <cmath>

#include "peft/blocks.hpp"
#include "peft/cayley.hpp"
#include "peft/input_linear.hpp"
#include "peft/linears_adapter.hpp"

// Shape letters: b blocks, k side of a block.
namespace pst::peft {
namespace {

/// COFT: scales every block of values down to the norm that its skew-symmetric matrix may have.
void constrain(const at::Tensor& values_be, double eps) {
  const double most = eps / std::sqrt(static_cast<double>(values_be.size(0)));
  const at::Tensor norms_b1 = values_be.square().sum(1, /*keepdim=*/true).mul_(2).sqrt_();
  constexpr double kRounding = 1e-6;  // what was scaled down stays as it is
  values_be.copy_(at::where(norms_b1 > most * (1 + kRounding), values_be * (most / norms_b1), values_be));
}

/// Constrains the values after every step. PEFT does when it computes with them, which comes to the same.
class Constraint final : public nn::TrainingHook {
 public:
  Constraint(nn::ParameterSet& parameters, double eps) : parameters_(parameters), eps_(eps) {}
  void add_to(const at::Tensor&) const override {}
  void after_update(std::int64_t, std::int64_t, const at::Tensor&, double) override {
    at::NoGradGuard no_gradients;
    for (nn::Parameter& parameter : parameters_.all())
      if (parameter.name.ends_with(methods::kOftRotation)) constrain(parameter.value.detach(), eps_);
  }
  const std::vector<State>& state() const override { return none_; }

 private:
  nn::ParameterSet& parameters_;
  double eps_;
  std::vector<State> none_;
};

/// y = W R' x, R block-diagonal and orthogonal. @see Qiu et al. 2023, arXiv:2306.07280, section 3
class OftLinear final : public InputLinear {
 public:
  OftLinear(Site given, const methods::Oft& keys) : InputLinear(std::move(given)), keys_(keys) {}

  void start(const Rng&) override { master(0).zero_(); }
  void loaded() override {
    if (keys_.coft) constrain(master(0), keys_.eps);
  }

 private:
  Tensors matrices(const Tensors& trained, const nn::Pass& pass) const override {
    const std::int64_t k = side_of(trained[0].size(1));
    const at::Tensor q_bkk = skew_of(trained[0], k);
    const at::Tensor r_bkk =
        keys_.use_cayley_neumann ? cayley_series(q_bkk, keys_.num_cayley_neumann_terms) : cayley(q_bkk);
    if (!pass.training || keys_.module_dropout == 0 || r_bkk.size(0) == 1) return {r_bkk};
    return {some_left_out(r_bkk, keys_.module_dropout, pass.random.child(adapted().layer))};
  }
  at::Tensor turned(const at::Tensor& x_ni, const Tensors& r) const override { return times_blocks(x_ni, r[0]); }
  at::Tensor turned_back(const at::Tensor& dz_ni, const Tensors& r) const override {
    return times_blocks(dz_ni, r[0].transpose(1, 2));
  }
  Tensors gradients(const at::Tensor& x_ni, const at::Tensor& dz_ni, const Tensors& r) const override {
    return {gradient_of_blocks(x_ni, dz_ni, r[0])};
  }
  /// k of k (k - 1) / 2 values.
  static std::int64_t side_of(std::int64_t values) {
    std::int64_t k = 1;
    while (k * (k - 1) / 2 < values) ++k;
    return k;
  }
  methods::Oft keys_;
};

}  // namespace

std::unique_ptr<Adapter> make_oft(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                  at::Device device) {
  const auto keys = recipe.as<methods::Oft>();
  Linears method{.wrap = [=](Site site) { return std::make_unique<OftLinear>(std::move(site), keys); }};
  if (keys.coft) {
    method.hook = [=](nn::ParameterSet& parameters) { return std::make_unique<Constraint>(parameters, keys.eps); };
    method.saved_keys = [](const methods::Adapter& of, const nn::TrainingHook&) { return of; };
    method.saved_values = [](const nn::Parameter& tensor, const nn::TrainingHook&) { return tensor.value.detach(); };
  }
  return adapt_linears(model, recipe, compute, device, method);
}

}  // namespace pst::peft
