// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "families/spec.hpp"
#include "nn/frozen_storage.hpp"
#include "ops/norm.hpp"
#include "weights/safetensors.hpp"

namespace pst::model {

/// Makes a model's parts of its files: what is small is kept by every rank, matrices are where the storage says.
class Parts {
 public:
  Parts(const weights::TensorStore& tensors, Dtype compute, const nn::FrozenLayout& layout, nn::FrozenStorage& frozen,
        at::Device device)
      : tensors_(tensors), compute_(compute), layout_(layout), frozen_(frozen), device_(device) {}

  at::Tensor tensor(const std::string& name) const;  ///< in the dtype of products
  at::Tensor floats(const std::string& name) const;  ///< f32
  ops::Norm norm(const families::NormSpec& spec) const;
  std::optional<ops::Norm> norm(const std::optional<families::NormSpec>& spec) const;
  /// @param block, matrix  where the layout has its matrix
  std::unique_ptr<nn::Linear> linear(std::size_t block, std::size_t matrix, const families::LinearSpec& spec) const;
  /// Small enough that every rank keeps it, beside the storage.
  std::unique_ptr<nn::Linear> own_linear(const families::LinearSpec& spec) const;

  Dtype compute() const { return compute_; }
  at::Device device() const { return device_; }

 private:
  std::optional<at::Tensor> bias_of(const families::LinearSpec& spec) const;
  const weights::TensorStore& tensors_;
  Dtype compute_;
  const nn::FrozenLayout& layout_;
  nn::FrozenStorage& frozen_;
  at::Device device_;
};

}  // namespace pst::model
