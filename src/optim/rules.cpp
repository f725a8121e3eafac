// SPDX-License-Identifier: Apache-2.0
#include "optim/rules.hpp"

#include <span>

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/norm.h>

#include <algorithm>
#include <cmath>

#include "kernels/adafactor/adafactor.hpp"
#include "kernels/adamw/adamw.hpp"
#include "kernels/adamw_8bit/adamw_8bit.hpp"
#include "kernels/lion/lion.hpp"
#include "kernels/nf4/nf4.hpp"
#include "kernels/schedule_free/schedule_free.hpp"
#include "kernels/sgd/sgd.hpp"
#include "ops/torch_exec.hpp"

namespace pst::optim {
namespace {

using ops::view_of;

kernels::AdamW adamw_settings(const std::array<double, 2>& betas, double eps, const Update& update,
                              double weight_decay) {
  return {.lr = update.lr,
          .beta1 = betas[0],
          .beta2 = betas[1],
          .eps = eps,
          .weight_decay = weight_decay,
          .step = update.number,
          .gradient_factor = update.gradient_factor};
}

void adamw(const kernels::AdamW& settings, const Slice& slice) {
  kernels::adamw(slice.on, settings, view_of(slice.values), view_of(slice.gradient), view_of(slice.state[0]),
                 view_of(slice.state[1]));
}

/// A copy of a table on a device.
template <class T, std::size_t N>
at::Tensor copy_of(const std::array<T, N>& table, at::Device device) {
  return ops::tensor_over(const_cast<T*>(table.data()), {static_cast<std::int64_t>(N)}, pst::dtype_of<T>())
      .to(device, /*non_blocking=*/false, /*copy=*/true);
}

}  // namespace

void apply(const recipe::AdamW& rule, const Update& update, double weight_decay, const Slice& slice) {
  adamw(adamw_settings(rule.betas, rule.eps, update, weight_decay), slice);
}

void apply(const recipe::Sgd& rule, const Update& update, double weight_decay, const Slice& slice) {
  kernels::sgd(slice.on,
               {.lr = update.lr,
                .momentum = rule.momentum,
                .weight_decay = weight_decay,
                .nesterov = rule.nesterov,
                .gradient_factor = update.gradient_factor},
               view_of(slice.values), view_of(slice.gradient), view_of(slice.state[0]));
}

void apply(const recipe::Lion& rule, const Update& update, double weight_decay, const Slice& slice) {
  kernels::lion(slice.on,
                {.lr = update.lr,
                 .beta1 = rule.betas[0],
                 .beta2 = rule.betas[1],
                 .weight_decay = weight_decay,
                 .gradient_factor = update.gradient_factor},
                view_of(slice.values), view_of(slice.gradient), view_of(slice.state[0]));
}

std::vector<at::Tensor> constants_of(const recipe::AdamW8bit&, at::Device device) {
  std::vector<at::Tensor> tables;
  for (const auto signs : {kernels::Signs::both, kernels::Signs::positive}) {
    tables.push_back(copy_of(kernels::dynamic_map(signs), device));
    tables.push_back(copy_of(kernels::nearest_entries(signs), device));
  }
  return tables;
}

void apply(const recipe::AdamW8bit& rule, const Update& update, double weight_decay, const Slice& slice) {
  const auto settings = adamw_settings(rule.betas, rule.eps, update, weight_decay);
  if (slice.state.size() == 2) return adamw(settings, slice);  // a small tensor
  const auto code = [&](std::size_t first) {
    return kernels::DynamicCode{view_of(slice.constants[first]), view_of(slice.constants[first + 1])};
  };
  kernels::adamw_8bit(slice.on, settings, code(0), code(2), view_of(slice.values), view_of(slice.gradient),
                      {view_of(slice.state[0]), view_of(slice.state[1])},
                      {view_of(slice.state[2]), view_of(slice.state[3])});
}

void apply(const recipe::ScheduleFreeAdamW& rule, const Update& update, double weight_decay, const Slice& slice) {
  kernels::schedule_free(slice.on,
                         {.lr = update.lr,
                          .beta1 = rule.betas[0],
                          .beta2 = rule.betas[1],
                          .eps = rule.eps,
                          .weight_decay = weight_decay,
                          .average_weight = update.average_weight,
                          .step = update.number,
                          .gradient_factor = update.gradient_factor},
                         view_of(slice.values), view_of(slice.gradient), view_of(slice.state[0]),
                         view_of(slice.state[1]), view_of(slice.state[2]));
}

namespace {

double adafactor_rate(const recipe::Adafactor& rule, const Update& update) {
  if (!rule.relative_step) return update.lr;
  const auto step = static_cast<double>(update.number);
  return std::min(rule.warmup_init ? 1e-6 * step : 1e-2, 1 / std::sqrt(step));
}

kernels::MatrixShape matrices_of(const recipe::Shape& shape) {
  kernels::MatrixShape matrices{1, 0, shape.empty() ? 1 : shape.back()};
  if (shape.size() < 2) return matrices;
  matrices.rows = shape[shape.size() - 2];
  for (std::size_t i = 0; i + 2 < shape.size(); ++i) matrices.matrices *= shape[i];
  return matrices;
}

}  // namespace

void apply(const recipe::Adafactor& rule, const Update& update, double weight_decay, const Slice& slice) {
  const kernels::MatrixShape shape = matrices_of(slice.shape);
  const at::Tensor scratch = at::empty({kernels::adafactor_scratch(shape)}, slice.values.options());
  const bool factored = slice.state.size() == 2;
  kernels::adafactor(slice.on,
                     {.lr = adafactor_rate(rule, update),
                      .decay_rate = rule.decay_rate,
                      .eps = rule.eps[0],
                      .clip_threshold = rule.clip_threshold,
                      .weight_decay = weight_decay,
                      .least_scale = rule.scale_parameter ? rule.eps[1] : 0,
                      .step = update.number,
                      .gradient_factor = update.gradient_factor},
                     shape, view_of(slice.values), view_of(slice.gradient),
                     factored ? view_of(slice.state[0]) : view_of(slice.state[0]).part(0, 0),
                     view_of(slice.state.back()), view_of(scratch));
}

namespace {

/// A nearly orthogonal matrix in the direction of `matrix`, in bf16. @see torch 2.11 torch/optim/_muon.py
at::Tensor orthogonal(const at::Tensor& matrix, int steps) {
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315, kEps = 1e-7;
  const bool tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = matrix.to(at::kBFloat16);
  if (tall) x = x.t();
  x = x / x.norm().clamp_min(kEps);
  for (int i = 0; i < steps; ++i) {
    const at::Tensor gram = at::mm(x, x.t());
    x = at::addmm(x, at::addmm(gram, gram, gram, b, c), x, a);
  }
  return tall ? x.t() : x;
}

double muon_rate(recipe::MuonRate rate, double rows, double columns) {
  if (rate == recipe::MuonRate::original) return std::sqrt(std::max(1.0, rows / columns));
  return 0.2 * std::sqrt(std::max(rows, columns));
}

}  // namespace

void apply(const recipe::Muon& rule, const Update& update, double weight_decay, const Slice& slice) {
  if (slice.shape.size() != 2) return adamw(adamw_settings(rule.betas, rule.eps, update, weight_decay), slice);
  const auto matrix = [&](const at::Tensor& flat) { return flat.view(slice.shape); };
  const at::Tensor gradient = matrix(slice.gradient) * update.gradient_factor, mean = matrix(slice.state[0]),
                   value = matrix(slice.values);
  mean.lerp_(gradient, 1 - rule.momentum);
  const at::Tensor direction = orthogonal(rule.nesterov ? gradient.lerp(mean, rule.momentum) : mean, rule.ns_steps);
  value.mul_(1 - update.lr * weight_decay);
  value.sub_(direction, update.lr * muon_rate(rule.adjust_lr_fn, static_cast<double>(slice.shape[0]),
                                              static_cast<double>(slice.shape[1])));
}

}  // namespace pst::optim
