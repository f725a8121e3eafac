// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/rng.hpp"
#include "methods/method.hpp"
#include "nn/parameter.hpp"

namespace pst::peft {

/// A small network that makes what PEFT saves, "prompt_embeddings", and is not saved itself: once an adapter is loaded,
/// only what it made is there.
class Encoder {
 public:
  explicit Encoder(at::ScalarType compute) : compute_(compute) {}
  /// @param tensors  the network's, and last what it makes. @param unsaved  gets the network's names
  void declare(const std::vector<methods::AdapterTensor>& tensors, nn::ParameterSet& parameters,
               std::set<std::string>& unsaved, at::Device device);
  /// Linear layers as PyTorch starts them, the embedding with normal values.
  void start(const Rng& rng);

  at::Tensor of(const std::string& name) const;  ///< f32, differentiable; without "prompt_encoder."
  std::vector<at::Tensor> all(const std::string& begin) const;
  at::Tensor linear(const std::string& name, const at::Tensor& x) const;

  /// What stands before documents, in the dtype of products: what `compute` makes, or what was loaded.
  at::Tensor values(const std::function<at::Tensor()>& compute) const;
  const at::Tensor& made() const { return made_; }
  void make(const std::function<at::Tensor()>& compute) const;  ///< fills made()
  void use_made() { uses_made_ = true; }
  bool uses_made() const { return uses_made_; }

 private:
  at::ScalarType compute_;
  std::vector<nn::Parameter*> parameters_;
  at::Tensor made_;
  bool uses_made_ = false;
};

}  // namespace pst::peft
