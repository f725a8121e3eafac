// SPDX-License-Identifier: Apache-2.0
#include "model/parts.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>

#include <vector>

#include "core/strings.hpp"
#include "ops/torch_exec.hpp"

namespace pst::model {
namespace {

at::Tensor load(const weights::Tensor& stored, Dtype dtype) {
  at::Tensor values = at::empty(stored.shape, at::TensorOptions().dtype(ops::scalar_type(dtype)));
  nn::pack_values(stored, dtype, 0, values.nbytes(), static_cast<std::byte*>(values.mutable_data_ptr()));
  return values;
}

}  // namespace

at::Tensor Parts::tensor(const std::string& name) const { return load(tensors_.get(name), compute_).to(device_); }
at::Tensor Parts::floats(const std::string& name) const { return load(tensors_.get(name), Dtype::f32).to(device_); }

ops::Norm Parts::norm(const families::NormSpec& spec) const {
  ops::Norm norm{.eps = spec.eps, .centred = spec.centred};
  if (spec.name.empty()) {
    norm.weight = at::ones({spec.width}, at::TensorOptions().dtype(at::kFloat).device(device_));
    return norm;
  }
  if (spec.bare) {
    norm.weight = floats(spec.name);
  } else if (spec.split) {
    std::vector<at::Tensor> rows;
    for (std::int64_t i = 0; i < spec.weights; ++i) rows.push_back(floats(cat(spec.name, i, ".weight")));
    norm.weight = at::stack(rows);
  } else {
    norm.weight = floats(spec.name + ".weight");
  }
  if (spec.factor != 1) norm.weight.mul_(spec.factor);
  if (spec.offset != 0) norm.weight.add_(spec.offset);
  if (spec.bias) norm.bias = floats(spec.name + ".bias");
  return norm;
}

std::optional<ops::Norm> Parts::norm(const std::optional<families::NormSpec>& spec) const {
  return spec ? std::optional(norm(*spec)) : std::nullopt;
}

std::optional<at::Tensor> Parts::bias_of(const families::LinearSpec& spec) const {
  if (!spec.bias) return std::nullopt;
  if (!spec.bias_place) return tensor(spec.name + ".bias");
  std::vector<float> values(static_cast<std::size_t>(spec.out));
  weights::read_placed(tensors_, *spec.bias_place, 1, 0, spec.out, values.data());
  const at::Tensor bias = at::empty({spec.out}, at::kFloat);
  std::copy(values.begin(), values.end(), bias.mutable_data_ptr<float>());
  return bias.to(device_, ops::scalar_type(compute_));
}

std::unique_ptr<nn::Linear> Parts::linear(std::size_t block, std::size_t matrix,
                                          const families::LinearSpec& spec) const {
  const nn::FrozenMatrix& of = layout_[block].matrices[matrix];
  return of.format->make(of.source, frozen_.parts(block, matrix), bias_of(spec));
}

std::unique_ptr<nn::Linear> Parts::own_linear(const families::LinearSpec& spec) const {
  return std::make_unique<nn::DenseLinear>(tensor(spec.name + ".weight"), bias_of(spec));
}

}  // namespace pst::model
