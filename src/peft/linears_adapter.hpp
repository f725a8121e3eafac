// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

#include "peft/adapted_linear.hpp"
#include "peft/adapter.hpp"

namespace pst::peft {

/// How a method makes its layers, and what they share.
struct Linears {
  std::function<std::unique_ptr<AdaptedLinear>(Site)> wrap;
  /// Makes the tensors that layers share and that are not trained: a function of the method's keys.
  std::function<void(const Tensors& frozen)> project_shared = {};
  /// The values that a training starts from, of the trained tensors that layers share.
  std::function<void(const std::vector<nn::Parameter*>& trained, const Rng& rng)> start_shared = {};
  bool studies = false;  ///< its layers read their base in prepare(), start() or loaded()

  // Of a method that changes its tensors between steps; all three or none.
  std::function<std::unique_ptr<nn::TrainingHook>(nn::ParameterSet& parameters)> hook = {};
  /// Its keys as its file has them, and what of a tensor is in it.
  std::function<methods::Adapter(const methods::Adapter& keys, const nn::TrainingHook& hook)> saved_keys = {};
  std::function<at::Tensor(const nn::Parameter& tensor, const nn::TrainingHook& hook)> saved_values = {};
};

/// An adapter that wraps linear layers.
std::unique_ptr<Adapter> adapt_linears(nn::CausalLm& model, const methods::Adapter& recipe, at::ScalarType compute,
                                       at::Device device, const Linears& method);

}  // namespace pst::peft
