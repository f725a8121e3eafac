// SPDX-License-Identifier: Apache-2.0
#include "nn/parameter.hpp"

#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "core/error.hpp"

namespace pst::nn {
namespace {

std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const auto size : shape) count *= size;
  return count;
}

}  // namespace

Parameter& ParameterSet::add(std::string name, std::vector<std::int64_t> shape) {
  PST_ASSERT(!flat_.defined(), "parameters are declared before memory is given to them");
  parameters_.push_back({std::move(name), std::move(shape), {}, {}});
  return parameters_.back();
}

void ParameterSet::allocate(at::ScalarType compute, at::Device device) {
  PST_ASSERT(!flat_.defined(), "memory is given once");
  std::int64_t size = 0;
  for (const auto& parameter : parameters_) {
    offsets_.push_back(size);
    size += (product(parameter.shape) + kBorder - 1) / kBorder * kBorder;
  }
  const auto options = at::TensorOptions().device(device);
  flat_ = at::zeros({size}, options.dtype(at::kFloat));
  compute_flat_ = compute == at::kFloat ? flat_ : at::zeros({size}, options.dtype(compute));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& parameter = parameters_[i];
    const auto window = [&](const at::Tensor& flat) {
      return flat.narrow(0, offsets_[i], product(parameter.shape)).view(parameter.shape).detach();
    };
    parameter.value = window(flat_);
    parameter.compute = window(compute_flat_);
    parameter.value.set_requires_grad(true);
  }
}

std::int64_t ParameterSet::count() const {
  std::int64_t count = 0;
  for (const auto& parameter : parameters_) count += product(parameter.shape);
  return count;
}

at::Tensor ParameterSet::new_gradient() const { return at::zeros_like(flat_); }

const ParameterSet::Gradient& ParameterSet::windows_of(const at::Tensor& gradient) {
  for (const Gradient& known : gradients_)
    if (known.flat.is_same(gradient)) return known;
  if (gradients_.size() >= kMostGradients) gradients_.clear();
  Gradient& fresh = gradients_.emplace_back(Gradient{gradient, {}});
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const auto& shape = parameters_[i].shape;
    fresh.windows.push_back(gradient.narrow(0, offsets_[i], product(shape)).view(shape));
  }
  return fresh;
}

void ParameterSet::accumulate_into(const at::Tensor& gradient) {
  PST_ASSERT(gradient.numel() == flat_.numel(), "a gradient has the layout of the parameters");
  const Gradient& known = windows_of(gradient);
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].value.mutable_grad() = known.windows[i];
}

void ParameterSet::refresh_compute() {
  at::NoGradGuard no_gradients;
  if (compute_flat_.scalar_type() != at::kFloat) compute_flat_.copy_(flat_);
}

}  // namespace pst::nn
