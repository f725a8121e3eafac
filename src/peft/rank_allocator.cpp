// SPDX-License-Identifier: Apache-2.0
#include "peft/rank_allocator.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

// Shape letters: i features in, o features out, r directions of a layer.
namespace pst::peft {

RankAllocator::RankAllocator(const methods::Adalora& keys, std::vector<Layer> layers, nn::ParameterSet& parameters)
    : keys_(keys), layers_(std::move(layers)), parameters_(parameters) {
  for (const char* const name : {"importance", "uncertainty", "gone"})
    state_.push_back({name, at::zeros({parameters.size()}, parameters.flat().options())});
}

at::Tensor RankAllocator::window(Array array, const nn::Parameter& of) const {
  return state_[array].values.narrow(0, of.offset, of.count()).view(of.shape);
}

/// The slope of w / (2 layers) * the sum over A and B of ||P P^T - I||, their sizes: w / (2 layers) * 2 (P P^T - I) P
/// / ||P P^T - I||.
void RankAllocator::add_to(const at::Tensor& gradient) const {
  if (keys_.orth_reg_weight == 0) return;
  at::NoGradGuard no_gradients;
  const double weight = keys_.orth_reg_weight / static_cast<double>(2 * layers_.size());
  for (const Layer& layer : layers_)
    for (const nn::Parameter* const factor : {layer.a_ri, layer.b_or}) {
      const at::Tensor p = factor == layer.a_ri ? factor->value.detach() : factor->value.detach().t();
      const at::Tensor away = p.mm(p.t()) - at::eye(p.size(0), p.options());
      const double size = away.square().sum().sqrt().item().toDouble();
      if (size == 0) continue;
      const at::Tensor slope = away.mm(p) * (2 * weight / size);
      gradient.narrow(0, factor->offset, factor->count())
          .view(factor->shape)
          .add_(factor == layer.a_ri ? slope : slope.t());
    }
}

std::int64_t RankAllocator::budget(const methods::Adalora& keys, std::int64_t step, std::int64_t total,
                                   std::int64_t initial, std::int64_t target) {
  if (step <= keys.tinit) return initial;
  if (step > total - keys.tfinal) return target;
  const double left =
      1 - static_cast<double>(step - keys.tinit) / static_cast<double>(total - keys.tfinal - keys.tinit);
  return static_cast<std::int64_t>(static_cast<double>(initial - target) * (left * left * left) +
                                   static_cast<double>(target));
}

void RankAllocator::after_update(std::int64_t step, std::int64_t run_total, const at::Tensor& gradient, double factor) {
  at::NoGradGuard no_gradients;
  total_ = keys_.total_step.value_or(run_total);
  const std::int64_t total = total_, last = total - keys_.tfinal;
  if (step < last) watch(gradient, factor);
  const bool is_time = step > keys_.tinit && step <= last && (step % keys_.deltaT == 0 || step == last);
  if (is_time) {
    const auto layers = static_cast<std::int64_t>(layers_.size());
    choose(budget(keys_, step, total, keys_.init_r * layers, keys_.target_r * layers));
  }
  if (is_time || step > last) let_go();
}

/// Importance |p g| and how much it varies, both smoothed.
void RankAllocator::watch(const at::Tensor& gradient, double factor) {
  const at::Tensor now = (parameters_.flat() * gradient).mul_(factor).abs_();
  at::Tensor &mean = state_[importance].values, &spread = state_[uncertainty].values;
  mean.mul_(keys_.beta1).add_(now, 1 - keys_.beta1);
  spread.mul_(keys_.beta2).add_((now - mean).abs_(), 1 - keys_.beta2);
}

void RankAllocator::choose(std::int64_t budget) {
  std::vector<at::Tensor> scores;
  std::vector<float> all;
  for (const auto& [a_ri, b_or, e_r1] : layers_) {
    const auto score = [&](const nn::Parameter& of) { return window(importance, of) * window(uncertainty, of); };
    scores.push_back((score(*e_r1).view({-1}) + (score(*a_ri).mean(1) + score(*b_or).mean(0))).cpu().contiguous());
    const auto* const values = scores.back().const_data_ptr<float>();
    all.insert(all.end(), values, values + scores.back().numel());
  }
  const std::int64_t surplus = std::ssize(all) - budget;
  if (surplus <= 0) return;
  const auto border = all.begin() + surplus - 1;
  std::nth_element(all.begin(), border, all.end());
  for (std::size_t i = 0; i < layers_.size(); ++i)
    window(gone, *layers_[i].e_r1).copy_((scores[i] <= *border).to(at::kFloat).view({-1, 1}));
}

void RankAllocator::let_go() {
  for (const Layer& layer : layers_) layer.e_r1->value.detach().mul_(1 - window(gone, *layer.e_r1));
}

std::vector<std::vector<bool>> RankAllocator::kept() const {
  std::vector<std::vector<bool>> all;
  bool any = false;
  for (const Layer& layer : layers_) {
    const at::Tensor mask = window(gone, *layer.e_r1).cpu().contiguous().view({-1});
    std::vector<bool>& kept = all.emplace_back();
    for (std::int64_t i = 0; i < mask.numel(); ++i) {
      kept.push_back(mask.const_data_ptr<float>()[i] == 0);
      any = any || !kept.back();
    }
  }
  if (!any) all.clear();
  return all;
}

}  // namespace pst::peft
