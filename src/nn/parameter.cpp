// SPDX-License-Identifier: Apache-2.0
#include "nn/parameter.hpp"

#include <ATen/ops/zeros.h>

#include "core/error.hpp"
#include "ops/wide.hpp"

namespace pst::nn {
namespace {

std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (const auto size : shape) count *= size;
  return count;
}

/// A part of a flat array in the shape of a parameter.
at::Tensor window(const at::Tensor& flat, std::int64_t begin, const std::vector<std::int64_t>& shape) {
  return flat.narrow(0, begin, product(shape)).view(shape).detach();
}

}  // namespace

std::int64_t Parameter::count() const { return product(shape); }

Parameter& ParameterSet::add(std::string name, std::vector<std::int64_t> shape) {
  PST_ASSERT(!flat_.defined(), "parameters are declared before memory is given to them");
  parameters_.push_back({.name = std::move(name), .shape = std::move(shape), .value = {}, .compute = {}});
  return parameters_.back();
}

void ParameterSet::allocate(at::ScalarType compute, at::Device device) {
  PST_ASSERT(!flat_.defined(), "memory is given once");
  for (auto& parameter : parameters_) {
    parameter.offset = size_;
    size_ += kernels::flat_places(parameter.count());
  }
  const auto options = at::TensorOptions().device(device);
  flat_ = at::zeros({size_}, options.dtype(ops::wide(compute)));
  compute_flat_ = compute == flat_.scalar_type() ? flat_ : at::zeros({size_}, options.dtype(compute));
  for (Parameter& parameter : parameters_) parameter.compute = window(compute_flat_, parameter.offset, parameter.shape);
  make_leaves();
}

void ParameterSet::make_leaves() {
  const at::Tensor zero = has_all() ? at::Tensor() : at::zeros({}, flat_.options());
  for (Parameter& parameter : parameters_) {
    parameter.value =
        has_all() ? window(flat_, parameter.offset, parameter.shape) : zero.expand(parameter.shape).detach();
    parameter.value.set_requires_grad(true);
  }
}

void ParameterSet::keep(std::int64_t begin, std::int64_t end) {
  PST_ASSERT(begin_ <= begin && begin <= end && end <= this->end(), "only what is here can be kept");
  if (compute_flat_.is_same(flat_) || end - begin == size_) return;
  flat_ = flat_.narrow(0, begin - begin_, end - begin).clone();
  begin_ = begin;
  make_leaves();
}

void ParameterSet::keep_all() {
  if (has_all()) return;
  const at::Tensor all = at::zeros({size_}, flat_.options());
  all.narrow(0, begin_, flat_.numel()).copy_(flat_);
  flat_ = all;
  begin_ = 0;
  make_leaves();
}

std::int64_t ParameterSet::count() const {
  std::int64_t count = 0;
  for (const auto& parameter : parameters_) count += parameter.count();
  return count;
}

at::Tensor ParameterSet::new_gradient() const { return at::zeros({size_}, flat_.options()); }

const ParameterSet::Gradient& ParameterSet::windows_of(const at::Tensor& gradient) {
  for (const Gradient& known : gradients_)
    if (known.flat.is_same(gradient)) return known;
  if (gradients_.size() >= kMostGradients) gradients_.clear();
  Gradient& fresh = gradients_.emplace_back(Gradient{gradient, {}});
  for (const Parameter& parameter : parameters_)
    fresh.windows.push_back(gradient.narrow(0, parameter.offset, parameter.count()).view(parameter.shape));
  return fresh;
}

void ParameterSet::accumulate_into(const at::Tensor& gradient) {
  PST_ASSERT(gradient.numel() == size_, "a gradient has the layout of the parameters");
  const Gradient& known = windows_of(gradient);
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].value.mutable_grad() = known.windows[i];
}

void ParameterSet::refresh_compute() {
  at::NoGradGuard no_gradients;
  if (!compute_flat_.is_same(flat_)) compute_flat_.narrow(0, begin_, flat_.numel()).copy_(flat_);
}

}  // namespace pst::nn
