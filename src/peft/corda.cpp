// SPDX-License-Identifier: Apache-2.0
#include "peft/corda.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/diag.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_inv_ex.h>
#include <ATen/ops/linalg_svd.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "peft/watched_linear.hpp"

// Shape letters: n tokens, i features in, o features out, k singular values, r rank.
namespace pst::peft {

struct Covariances::Watch {
  Wrapped<WatchedLinear> layers;
};

Covariances::Covariances(nn::CausalLm& model, const std::vector<methods::Studied>& layers)
    : model_(model), layers_(layers), sums_(layers.size()) {
  const std::vector<nn::LinearSlot> slots = model.linears();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const int input = slots[layers_[i].layer].input;
    std::size_t owner = i;
    for (std::size_t other = 0; other < i && input >= 0; ++other)
      if (slots[layers_[other].layer].input == input) owner = std::min(owner, other);
    owner_.push_back(owner);
  }
}
Covariances::~Covariances() = default;

void Covariances::before() {
  watch_ = std::make_unique<Watch>();
  std::vector<nn::LinearSlot> slots = model_.linears();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    if (owner_[i] != i) continue;
    watch_->layers.add(*slots[layers_[i].layer].linear, [this, i](const at::Tensor& x_ni) {
      const at::Tensor values_ni = x_ni.to(at::kFloat), scaled_ni = values_ni / values_ni.max().abs();
      const at::Tensor covariance_ii = scaled_ni.t().mm(scaled_ni);
      if (!covariance_ii.isfinite().all().item<bool>())
        throw Error(Fault::data, cat("CorDA: the input of ", layers_[i].name, " has values without a finite size"),
                    "train.precision: fp32 computes with larger numbers; or take another init_lora_weights");
      sums_[i] = sums_[i].defined() ? sums_[i].add_(covariance_ii) : covariance_ii;
    });
  }
}
void Covariances::after() {
  watch_.reset();
  ++samples_;
}

at::Tensor Covariances::mean(std::size_t layer) const { return sums_[owner_[layer]] / static_cast<double>(samples_); }

LowRank corda_start(const at::Tensor& weight_oi, const at::Tensor& covariance_ii, methods::CordaMethod method,
                    std::int64_t r, double scale) {
  constexpr double kDamp = 0.01, kWrong = 0.05;  // PEFT's
  constexpr int kMostTries = 60;
  const at::Tensor one_ii = at::eye(covariance_ii.size(0), covariance_ii.options());
  const double size = covariance_ii.diagonal().mean().item().toDouble();
  at::Tensor damped_ii, inverse_ii;
  double damp = kDamp;
  for (int tries = 0;; ++tries, damp *= 2) {
    damped_ii = covariance_ii + one_ii * (size * damp);
    inverse_ii = std::get<0>(at::linalg_inv_ex(damped_ii));
    const double wrong = (damped_ii.mm(inverse_ii) - one_ii).square().sum().sqrt().item().toDouble();
    if (wrong < kWrong) break;
    if (tries == kMostTries)
      throw Error(Fault::data, "CorDA: the covariance of a layer's input has no inverse",
                  "give the run more data, or take another init_lora_weights");
  }
  const auto [u_ok, s_k, v_ki] = at::linalg_svd(weight_oi.mm(damped_ii), /*full_matrices=*/false);
  const std::int64_t begin = method == methods::CordaMethod::ipm ? 0 : s_k.size(0) - r;
  const at::Tensor root_r = (s_k.narrow(0, begin, r) / scale).sqrt();
  return {v_ki.narrow(0, begin, r).mm(inverse_ii) * root_r.unsqueeze(1), u_ok.narrow(1, begin, r) * root_r};
}

}  // namespace pst::peft
